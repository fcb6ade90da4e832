//! Loading of ELF files: what is refused, what becomes of the rest, and that nothing panics.
#![expect(
    clippy::cast_possible_truncation,
    reason = "random bits are cut to size on purpose"
)]

use trestle_machine_tests::{ELF_CODE, ELF_DATA, Random, elf};
use trestle_vm::{ElfError, Image};

fn file() -> Vec<u8> {
    elf(&[0x13; 40], &[9; 5000])
}

fn patched(at: usize, bytes: &[u8]) -> Result<Image, ElfError> {
    let mut file = file();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    Image::from_elf(&file)
}

#[test]
fn elf_file_becomes_code_memory_entry_and_stack() {
    let image = Image::from_elf(&file()).expect("loads");
    let header = image.header();
    assert_eq!((header.code_base, header.code_len), (ELF_CODE, 160));
    assert_eq!((header.entry, header.sp), (ELF_CODE, ELF_CODE));
    let code: Vec<u8> = [0x13_u32; 40]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let by_hand = Image::new(
        ELF_CODE,
        code.clone(),
        &[(ELF_CODE, &code), (ELF_DATA, &[9; 5000])],
        (ELF_CODE, ELF_CODE),
    );
    assert_eq!(by_hand.expect("valid").root(), image.root());
}

#[test]
fn every_truncated_file_is_refused() {
    let file = file();
    for len in 0..file.len() {
        let error = Image::from_elf(&file[..len]).expect_err("truncated");
        assert!(
            matches!(error, ElfError::Truncated | ElfError::WrongKind),
            "{len}: {error}"
        );
    }
}

#[test]
fn files_of_another_kind_are_refused_by_name() {
    assert!(
        matches!(patched(0, b"x"), Err(ElfError::WrongKind)),
        "magic"
    );
    assert!(
        matches!(patched(4, &[1]), Err(ElfError::WrongKind)),
        "32 bits"
    );
    assert!(
        matches!(patched(5, &[2]), Err(ElfError::WrongKind)),
        "big-endian"
    );
    assert!(
        matches!(patched(16, &[3]), Err(ElfError::WrongKind)),
        "shared object"
    );
    assert!(
        matches!(patched(18, &[62, 0]), Err(ElfError::WrongKind)),
        "x86-64"
    );
    assert!(
        matches!(patched(48, &[1]), Err(ElfError::Compressed)),
        "compressed"
    );
    assert!(
        matches!(patched(64, &[3]), Err(ElfError::WrongKind)),
        "interpreter"
    );
}

#[test]
fn segments_out_of_range_are_refused_by_name() {
    let segment = |at: usize, value: u64| patched(64 + at, &value.to_le_bytes());
    assert!(
        matches!(segment(16, 1 << 32), Err(ElfError::Segment { .. })),
        "address"
    );
    assert!(
        matches!(segment(16, u64::MAX), Err(ElfError::Segment { .. })),
        "overflow"
    );
    assert!(
        matches!(segment(40, 1 << 32), Err(ElfError::Segment { .. })),
        "length"
    );
    assert!(
        matches!(segment(40, 1), Err(ElfError::Segment { .. })),
        "shorter than its bytes"
    );
    assert!(segment(32, 150).is_ok(), "fewer bytes than memory");
    assert!(
        matches!(segment(8, u64::MAX), Err(ElfError::Truncated)),
        "offset"
    );
    assert!(
        matches!(segment(16, 0x800), Err(ElfError::NoStack { lowest: 0x800 })),
        "low"
    );
    // No executable segment.
    assert!(
        matches!(patched(68, &[6]), Err(ElfError::CodeRange { .. })),
        "no code"
    );
    // Two executable segments more than 16 MiB apart.
    let mut far = file();
    far[64 + 56 + 4] = 5;
    far[64 + 56 + 16..64 + 56 + 24].copy_from_slice(&0x4000_0000_u64.to_le_bytes());
    assert!(
        matches!(Image::from_elf(&far), Err(ElfError::CodeRange { .. })),
        "far apart"
    );
}

#[test]
fn random_damage_is_refused_or_loads_and_never_panics() {
    let random = &mut Random::new(1);
    let file = file();
    let mut loaded = 0;
    for _ in 0..3000 {
        let mut file = file.clone();
        for _ in 0..1 + random.below(6) {
            let at = random.below(64 + 112) as usize;
            file[at] = random.next() as u8;
        }
        if let Ok(image) = Image::from_elf(&file) {
            loaded += 1;
            assert!(image.header().is_canonical());
        }
    }
    assert!(loaded > 0, "some damage is harmless");
}

#[test]
fn misaligned_or_long_code_is_refused() {
    let new = |base, len| Image::new(base, vec![0; len], &[], (base, 0));
    assert!(matches!(new(64, 4), Err(ElfError::CodeRange { .. })));
    assert!(matches!(new(128, 6), Err(ElfError::CodeRange { .. })));
    assert!(matches!(
        new(128, (1 << 24) + 4),
        Err(ElfError::CodeRange { .. })
    ));
    assert!(new(128, 4).is_ok());
    let outside = Image::new(128, vec![], &[(u64::from(u32::MAX), &[1, 2])], (0, 0));
    assert!(matches!(outside, Err(ElfError::Segment { .. })));
}
