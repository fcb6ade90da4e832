//! The decoder against the table, LLVM and binutils.
#![expect(
    clippy::cast_possible_truncation,
    reason = "random bits are cut to size on purpose"
)]

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};
use trestle_machine_tests::{Random, Table, encode};
use trestle_vm::{Instruction, Op, decode};

/// A word of every (opcode, funct3, funct7), the other fields drawn at random, and random words.
fn words(extra: u64) -> Vec<u32> {
    let random = &mut Random::new(7);
    let mut words = Vec::new();
    for class in 0..131_072_u32 {
        let (opcode, f3, f7) = (class & 127, class >> 7 & 7, class >> 10);
        let fill = (random.next() as u32) & 0x01ff_8f80;
        words.push(opcode | f3 << 12 | f7 << 25 | fill);
    }
    words.extend((0..extra).map(|_| random.next() as u32));
    // Random words of the 32-bit space proper, which are rare among the above.
    words.extend((0..extra).map(|_| random.next() as u32 | 3));
    words
}

#[test]
fn decoder_agrees_with_the_table_on_every_class() {
    let table = Table::default();
    for word in words(2_000_000) {
        assert_eq!(decode(word), table.decode(word), "{word:#010x}");
    }
}

#[test]
fn encoding_what_was_decoded_gives_the_word_back() {
    for word in words(200_000) {
        let i = decode(word);
        if !matches!(i.op, Op::Illegal | Op::Fence) {
            assert_eq!(encode(i), word, "{i:?}");
        }
    }
}

/// What the judges print for an instruction, without aliases and with numbered registers.
fn text(i: Instruction) -> String {
    let name = format!("{:?}", i.op).to_lowercase();
    let (d, a, b, imm) = (i.rd, i.rs1, i.rs2, i.imm);
    match i.op {
        Op::Lui | Op::Auipc => format!("{name} x{d},{:#x}", imm.cast_unsigned() >> 12),
        Op::Jal => format!("{name} x{d},{imm}"),
        Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => {
            format!("{name} x{a},x{b},{imm}")
        }
        Op::Jalr | Op::Lb | Op::Lh | Op::Lw | Op::Ld | Op::Lbu | Op::Lhu | Op::Lwu => {
            format!("{name} x{d},{imm}(x{a})")
        }
        Op::Sb | Op::Sh | Op::Sw | Op::Sd => format!("{name} x{b},{imm}(x{a})"),
        Op::Ecall | Op::Ebreak => name,
        _ if has_immediate(i.op) => format!("{name} x{d},x{a},{imm}"),
        _ => format!("{name} x{d},x{a},x{b}"),
    }
}

fn has_immediate(op: Op) -> bool {
    use Op::{Addi, Addiw, Andi, Ori, Slli, Slliw, Slti, Sltiu, Srai, Sraiw, Srli, Srliw, Xori};
    matches!(
        op,
        Addi | Slti
            | Sltiu
            | Xori
            | Ori
            | Andi
            | Slli
            | Srli
            | Srai
            | Addiw
            | Slliw
            | Srliw
            | Sraiw
    )
}

/// Instructions that a judge knows and RV64IM does not have: control registers, privileged ones.
fn is_foreign(mnemonic: &str) -> bool {
    let names = [
        "fence.i",
        "fence.tso",
        "uret",
        "sret",
        "mret",
        "dret",
        "mnret",
        "wfi",
        "sfence.vma",
        "unimp",
        "pause",
        "sfence.w.inval",
        "sfence.inval.ir",
        "sinval.vma",
        "wrs.nto",
        "wrs.sto",
        "hinval.vvma",
        "hinval.gvma",
        "hfence.vvma",
        "hfence.gvma",
        "sfence.vm",
    ];
    let prefixes = ["csr", "hlv", "hsv", "hlvx", "rd", "fr", "fs"];
    names.contains(&mnemonic) || prefixes.iter().any(|prefix| mnemonic.starts_with(prefix))
}

/// Compares one judge's line with the decoder.
fn judge(word: u32, line: Option<&str>, integers: &dyn Fn(&str) -> String) -> Result<(), String> {
    let i = decode(word);
    let said = line.map(integers).unwrap_or_default();
    let mnemonic = said.split(' ').next().unwrap_or_default();
    let agrees = match i.op {
        Op::Illegal => line.is_none() || is_foreign(mnemonic),
        // The judges refuse reserved fields of FENCE, which the manual tells us to ignore.
        Op::Fence => line.is_none() || mnemonic.starts_with("fence") || mnemonic == "pause",
        _ => said == text(i),
    };
    if agrees {
        Ok(())
    } else {
        Err(format!("{word:#010x}: {} here, {said:?} there", text(i)))
    }
}

#[test]
fn llvm_agrees_on_every_class_and_on_random_words() {
    let words = words(100_000);
    let mut child = Command::new("llvm-mc")
        .args([
            "--disassemble",
            "-triple=riscv64",
            "-mattr=+m",
            "-M",
            "no-aliases",
            "-M",
            "numeric",
        ])
        .arg("--show-encoding")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("llvm-mc is installed: tools/apt-packages.txt");
    let mut stdin = child.stdin.take().expect("it reads");
    let lines: String = words
        .iter()
        .map(|word| {
            let [a, b, c, d] = word.to_le_bytes();
            format!("[{a:#x} {b:#x} {c:#x} {d:#x}]\n")
        })
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer
        .join()
        .expect("no panic")
        .expect("it read everything");
    let invalid: std::collections::BTreeSet<usize> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.contains("invalid instruction encoding"))
        .map(|line| {
            line.split(':')
                .nth(1)
                .and_then(|n| n.parse::<usize>().ok())
                .expect("a line")
        })
        .collect();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut said = text.lines().filter(|line| line.contains("encoding:"));
    let mut wrong = Vec::new();
    for (k, word) in words.iter().enumerate() {
        let line = if invalid.contains(&(k + 1)) {
            None
        } else {
            Some(said.next().expect("a line"))
        };
        wrong.extend(judge(*word, line, &normal).err());
    }
    assert!(
        said.next().is_none(),
        "llvm-mc printed more instructions than words"
    );
    assert!(
        wrong.is_empty(),
        "{} differ: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}

/// `\taddi\tx1, x2, -3 # encoding: [..]` to `addi x1,x2,-3`.
fn normal(line: &str) -> String {
    let line = line.split('#').next().unwrap_or_default().trim();
    let (mnemonic, operands) = line.split_once('\t').unwrap_or((line, ""));
    let operands: Vec<String> = operands
        .split(',')
        .map(|part| part.trim().to_string())
        .collect();
    let mut operands = operands;
    if let Some(last) = operands
        .last_mut()
        .filter(|_| matches!(mnemonic, "lui" | "auipc"))
    {
        let value = last.strip_prefix("0x").map_or_else(
            || last.parse::<u32>().unwrap_or_default(),
            |hex| u32::from_str_radix(hex, 16).unwrap_or_default(),
        );
        *last = format!("{value:#x}");
    }
    format!("{mnemonic} {}", operands.join(","))
        .trim()
        .to_string()
}

#[test]
fn binutils_agrees_on_every_class_and_on_random_words() {
    // Without the words that are shorter or longer instructions to objdump.
    let words: Vec<u32> = words(100_000)
        .into_iter()
        .filter(|word| word & 3 == 3 && word & 31 != 31)
        .collect();
    let file = std::env::temp_dir().join(format!("trestle-words-{}.bin", std::process::id()));
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    std::fs::write(&file, bytes).expect("the words are written");
    let output = Command::new("riscv64-linux-gnu-objdump")
        .args([
            "-D",
            "-z",
            "-b",
            "binary",
            "-m",
            "riscv:rv64",
            "-M",
            "no-aliases,numeric",
        ])
        .arg(&file)
        .output()
        .expect("objdump is installed: tools/apt-packages.txt");
    std::fs::remove_file(&file).expect("the words are removed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: BTreeMap<usize, &str> = BTreeMap::new();
    for line in text.lines() {
        let Some((at, rest)) = line.split_once(':') else {
            continue;
        };
        if let Ok(at) = usize::from_str_radix(at.trim(), 16) {
            lines.insert(at, rest);
        }
    }
    let mut wrong = Vec::new();
    for (k, word) in words.iter().enumerate() {
        // Longer encodings (low five bits all ones) are read across our words.
        let Some(line) = lines.get(&(k * 4)).filter(|_| word & 31 != 31) else {
            continue;
        };
        let mut parts = line.trim().splitn(2, '\t');
        let _bytes = parts.next();
        let said = parts.next().unwrap_or_default().trim();
        wrong.extend(judge_binutils(*word, said, k * 4).err());
    }
    assert!(
        wrong.is_empty(),
        "{} differ: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}

/// Binutils knows every extension, so its word on illegal ones is not asked; on legal ones it is.
fn judge_binutils(word: u32, said: &str, at: usize) -> Result<(), String> {
    let i = decode(word);
    let is_unknown = said.starts_with(".4byte") || said.starts_with("0x") || said.is_empty();
    if i.op == Op::Illegal {
        // What is neither RV64IM nor anything else must be illegal; the converse is LLVM's to say.
        return Ok(());
    }
    if i.op == Op::Fence {
        return Ok(());
    }
    let line = said
        .split('#')
        .next()
        .unwrap_or_default()
        .split('<')
        .next()
        .unwrap_or_default();
    let mut said = line.trim().replace('\t', " ");
    // Jumps are printed as targets.
    let is_jump = matches!(
        i.op,
        Op::Jal | Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu
    );
    let mut expected = text(i);
    if is_jump {
        let target = (at as u64).wrapping_add(i64::from(i.imm).cast_unsigned());
        let head = expected
            .rsplit_once(',')
            .map_or("", |parts| parts.0)
            .to_string();
        expected = format!("{head},{target:#x}");
        let (head, last) = said.rsplit_once(',').unwrap_or(("", ""));
        let last = u64::from_str_radix(last.trim().trim_start_matches("0x"), 16).unwrap_or(1);
        said = format!("{head},{last:#x}");
    }
    if has_immediate(i.op) {
        let (head, last) = said.rsplit_once(',').unwrap_or(("", ""));
        let value = last.strip_prefix("0x").map_or_else(
            || last.parse::<i64>().unwrap_or(i64::MAX),
            |hex| i64::from_str_radix(hex, 16).unwrap_or(i64::MAX),
        );
        said = format!("{head},{value}");
    }
    if is_unknown || said != expected {
        return Err(format!(
            "{word:#010x} at {at:#x}: {expected:?} here, {said:?} there"
        ));
    }
    Ok(())
}
