//! One-line mutants of the Solidity step, each killed by the vector that is named for it.
//!
//! All mutants are compiled in one run of the pinned compiler, without the optimiser. A killer that
//! is a step vector must reach another state or revert; one that is a refusal must be accepted, or
//! refused for another reason.

use alloy_primitives::Bytes;
use serde_json::{Map, Value, json};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use trestle_machine_tests::{StepVerifier, refusals, selector, vectors};

/// File under `contracts/src/dispute/step`, what is replaced, by what, and the vector that kills it.
type Mutant = (&'static str, &'static str, &'static str, &'static str);

const ALU: &str = "Alu.sol";
const STATE: &str = "MachineState.sol";
const STEP: &str = "RiscvStepVerifier.sol";
const READER: &str = "WitnessReader.sol";
const CALLS: &str = "SystemCalls.sol";

#[rustfmt::skip]
const MUTANTS: &[Mutant] = &[
    (ALU, "if (f3 == 0) return alt ? a - b : a + b;", "if (f3 == 0) return a + b;", "sub_0"),
    (ALU, "return a << (b & 63);", "return a << (b & 31);", "sll_7"),
    (ALU, "signed(a) < signed(b) ? 1 : 0", "signed(a) <= signed(b) ? 1 : 0", "slt_9"),
    (ALU, "signed(a) < signed(b) ? 1 : 0", "a < b ? 1 : 0", "slti_1"),
    (ALU, "return a < b ? 1 : 0", "return a <= b ? 1 : 0", "sltu_9"),
    (ALU, "return a ^ b", "return a | b", "xor_1"),
    (ALU, "return alt ? uint256(signed(a) >> (b & 63)) : a >> (b & 63)", "return a >> (b & 63)", "sra_7"),
    (ALU, "return a | b", "return a ^ b", "or_1"),
    (ALU, "return a & b", "return a | b", "and_0"),
    (ALU, "return (true, extend32(alt ? a - b : a + b))", "return (true, uint32(alt ? a - b : a + b))", "addw_4"),
    (ALU, "extend32(a << (b & 31))", "extend32(a << (b & 63))", "sllw_7"),
    (ALU, "alt ? extend32(a) : uint32(a)", "uint32(a)", "sraw_6"),
    (ALU, "(signed(a) * signed(b)) >> 64", "(signed(a) * int256(b)) >> 64", "mulh_0"),
    (ALU, "(signed(a) * int256(b)) >> 64", "(int256(a) * int256(b)) >> 64", "mulhsu_1"),
    (ALU, "return (a * b) >> 64", "return (a * b) >> 63", "mulhu_0"),
    (ALU, "return f3 < 6 ? type(uint256).max : a", "return f3 < 5 ? type(uint256).max : a", "divu_2"),
    (ALU, "type(uint256).max : a;", "type(uint256).max : 0;", "rem_2"),
    (ALU, "return uint256(signed(a) / signed(b))", "return a / b", "div_1"),
    (ALU, "return uint256(signed(a) % signed(b))", "return a % b", "rem_5"),
    (ALU, "bool isSigned = f3 & 1 == 0", "bool isSigned = f3 & 1 == 1", "divw_6"),
    (ALU, "x = isSigned ? extend32(a) & type(uint64).max : uint32(a)", "x = uint32(a)", "divw_0"),
    (ALU, "if (f3 < 4) return (false, 0)", "if (f3 < 1) return (false, 0)", "illegal_mul_32_funct3_1"),
    (STEP, "if (pc & 3 != 0) return", "if (pc & 1 != 0) return", "fetch_misaligned"),
    (STEP, "offset >= s.codeLength()", "offset > s.codeLength()", "fetch_behind_the_code"),
    (STEP, "r.takePath(node, offset >> 7, CODE_DEPTH)", "r.takePath(node, offset >> 8, CODE_DEPTH)", "code_word_32"),
    (STEP, "mload(add(buffer, and(offset, 127)))", "mload(add(buffer, and(offset, 63)))", "code_word_31"),
    (STEP, "if (root != s.codeRoot())", "if (root == 0)", "load_wrong_code_leaf"),
    (STEP, "target &= ~uint256(1)", "target &= ~uint256(3)", "jalr_misaligned"),
    (STEP, "target &= ~uint256(1)", "target &= ~uint256(0)", "jalr_odd"),
    (STEP, "else if (f3 < 6)", "else if (f3 < 4)", "blt_less"),
    (STEP, "if (f3 & 1 == 1) isTaken", "if (f3 & 4 == 4) isTaken", "bne_less"),
    (STEP, "pc + _immB(word) : pc + 4", "pc + _immB(word) : pc + 8", "beq_less"),
    (STEP, "if (target & 3 != 0) s.halt", "if (target & 1 != 0) s.halt", "beq_misaligned"),
    (STEP, "if (target & 3 != 0) {", "if (target & 1 != 0) {", "jal_misaligned"),
    (STEP, "s.setRegister((word >> 7) & 31, s.pc() + 4)", "s.setRegister((word >> 7) & 31, s.pc() + 8)", "jal_forward"),
    (STEP, "if (at > ADDRESS_SPACE - width) {\n            s.halt(LOAD", "if (at >= ADDRESS_SPACE - width) {\n            s.halt(LOAD", "ld_top"),
    (STEP, "if (at > ADDRESS_SPACE - width) {\n            s.halt(STORE", "if (at >= ADDRESS_SPACE - width) {\n            s.halt(STORE", "sd_top"),
    (STEP, "if (at > ADDRESS_SPACE - width) {\n            s.halt(STORE", "if (at >= ADDRESS_SPACE) {\n            s.halt(STORE", "sd_beyond_top"),
    (STEP, "(at & 127) + width > 128", "(at & 127) + width >= 128", "ld_last_of_leaf"),
    (STEP, "r.takeLeaf((at >> 7) + 1,", "r.takeLeaf((at >> 7) + 2,", "ld_straddle"),
    (STEP, "if (f3 < 4) {", "if (f3 < 2) {", "lw_aligned"),
    (STEP, "if (f3 < 4) {", "if (f3 < 5) {", "lbu_aligned"),
    (STEP, "value >> (8 * room)", "value >> (4 * room)", "sd_straddle_pages"),
    (STEP, "if (room >= width)", "if (room > width)", "sd_last_of_leaf"),
    (STEP, "imm := sar(20, signextend(3, word))", "imm := shr(20, word)", "addi_2"),
    (STEP, "sar(25, signextend(3, word))", "sar(25, word)", "sd_below_the_base"),
    (STEP, "0x7e0", "0x3e0", "beq_far"),
    (STEP, "0xff000", "0x7f000", "jal_far"),
    (STEP, "not(0xfff)", "not(0x1fff)", "lui_small"),
    (STEP, "ok = f3 == 0", "ok = true", "illegal_fence_i"),
    (STEP, "if (opcode != 0x0f)", "if (opcode != 0x7f)", "fence_reserved_fields"),
    (STEP, "if (word == 0x0000_0073)", "if (word & 0xfff == 0x073)", "illegal_uret"),
    (STEP, "word >> 26 != 0", "word >> 27 != 0", "illegal_slli_bit_26"),
    (STEP, "(word >> 26) & 47 != 0", "(word >> 26) & 46 != 0", "illegal_srai_bit_26"),
    (STEP, "f7 != 0 && !alt", "f7 > 1 && !alt", "illegal_slliw_amount_32"),
    (STEP, "bool hasAlt = f7 == 32 && (f3 == 0 || f3 == 5)", "bool hasAlt = f7 == 32", "illegal_sub_funct3_1"),
    (STEP, "f3 == 0 && _jump(", "f3 < 2 && _jump(", "illegal_jalr_funct3_1"),
    (STEP, "s.setRegister(2, uint64", "s.setRegister(3, uint64", "boot"),
    (STEP, "s.setRegisters4(10, inputHash)", "s.setRegisters4(11, inputHash)", "boot"),
    (STEP, "if (!s.halted())", "if (s.pc() != 0)", "halted_stays"),
    (STEP, "if (codeBase & 127 != 0 ||", "if (codeBase & 63 != 0 ||", "boot_base_misaligned"),
    (STEP, "if (s.hash() != pre)", "if (pre == 0)", "load_wrong_pc"),
    (STATE, "if (i != 0) _setNumber", "if (i != 32) _setNumber", "addi_to_x0"),
    (STATE, "all = (all << 64) | swap64(s.register(first + i))", "all = (all << 64) | s.register(first + i)", "halt_success"),
    (STATE, "flag == 1 ||", "flag > 0 ||", "load_halted_is_2"),
    (STATE, "&& s.word(64) == 0)", ")", "load_running_with_output"),
    (STATE, "_setNumber(s, 104, _number(s, 104) + 1)", "_setNumber(s, 104, _number(s, 104) + 2)", "add_0"),
    (READER, "let slot := shl(5, and(index, 1))", "let slot := 0", "ld_aligned"),
    (READER, "if (root != expected)", "if (root == 0)", "load_wrong_leaf"),
    (READER, "if (r.at != r.end)", "if (r.at > r.end)", "load_one_byte_long"),
    (CALLS, "s.halt(uint32(s.register(10))", "s.halt(s.register(10)", "halt_code_is_32_bits"),
    (CALLS, "s.registers4(11)", "s.registers4(10)", "halt_success"),
    (CALLS, "a >> 32 == 0", "a >> 33 == 0", "keccak_outside"),
    (CALLS, "if (offset >= total) return", "if (offset > total) return", "read_word_at_end"),
    (CALLS, "if (rest < 32)", "if (rest < 10)", "read_word_last"),
    (CALLS, "calldatacopy(buffer, calldatasize(), 4096)", "calldatacopy(buffer, calldatasize(), 4)", "read_page_last"),
    (CALLS, "bit = 1 << 11; bit", "bit = 1 << 10; bit", "read_blob_1"),
    (CALLS, "length > 4096) return false", "length > 4095) return false", "keccak_full"),
    (CALLS, "found ? 1 : 0", "1", "ecrecover_v_26"),
    (CALLS, "size != 32 ||", "", "read_blob_page"),
    (CALLS, "|| offset & 31 != 0", "", "read_blob_misaligned"),
    (CALLS, "if (offset < BLOB_LENGTH)", "if (offset <= BLOB_LENGTH)", "read_blob_end"),
    (CALLS, "(1 << 32) + 8", "(1 << 32) + 9", "ecall_unknown"),
    (CALLS, "if (got != key)", "if (got == 0)", "read_word_wrong_preimage"),
    (CALLS, "if (!ok) revert WrongOpening", "if (element == 0) revert WrongOpening", "read_blob_wrong_element"),
    (CALLS, "if (root != s.memoryRoot()) revert MemoryPath(s.memoryRoot(), root);\n        uint256", "uint256", "read_page_wrong_target"),
];

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts")
}

/// Sources of the verifier under `folder`, with one replacement.
fn sources(folder: &str, mutant: Option<&Mutant>) -> Map<String, Value> {
    let mut all = Map::new();
    for file in [ALU, STATE, STEP, READER, CALLS, "StepErrors.sol"] {
        let path = contracts().join("src/dispute/step").join(file);
        let mut text = std::fs::read_to_string(path).expect("the source is there");
        if let Some((_, from, to, _)) = mutant.filter(|mutant| mutant.0 == file) {
            let found = text.matches(from).count();
            assert_eq!(found, 1, "`{from}` is there {found} times in {file}");
            text = text.replace(from, to);
        }
        all.insert(format!("{folder}/step/{file}"), json!({ "content": text }));
    }
    let interface = contracts().join("src/dispute/IStepVerifier.sol");
    let text = std::fs::read_to_string(interface).expect("the source is there");
    all.insert(
        format!("{folder}/IStepVerifier.sol"),
        json!({ "content": text }),
    );
    all
}

/// Runtime code of every folder's verifier.
fn compile(sources: Map<String, Value>) -> impl Fn(&str) -> StepVerifier {
    let input = json!({
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "evmVersion": "osaka",
            "metadata": { "bytecodeHash": "none" },
            "outputSelection": { "*": { "RiscvStepVerifier": ["evm.deployedBytecode.object"] } },
        },
    });
    let mut solc = Command::new(contracts().join("tools/solc"))
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the compiler runs; `npm ci` in contracts installs it");
    let mut stdin = solc.stdin.take().expect("it reads");
    let writer = std::thread::spawn(move || stdin.write_all(input.to_string().as_bytes()));
    let output = solc.wait_with_output().expect("it ends");
    writer
        .join()
        .expect("no panic")
        .expect("it read everything");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("it answers in JSON");
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    if let Some(error) = errors.iter().find(|error| error["severity"] == "error") {
        panic!("{}", error["formattedMessage"]);
    }
    move |folder| {
        let file = format!("{folder}/step/{STEP}");
        let object = &answer["contracts"][file]["RiscvStepVerifier"]["evm"]["deployedBytecode"];
        let code: Bytes = object["object"]
            .as_str()
            .expect("code")
            .parse()
            .expect("hex");
        StepVerifier::from_code(code)
    }
}

#[test]
fn every_mutant_of_the_solidity_step_is_killed_by_its_vector() {
    let mut all = sources("original", None);
    for (k, mutant) in MUTANTS.iter().enumerate() {
        all.extend(sources(&format!("m{k}"), Some(mutant)));
    }
    let code = compile(all);
    let (steps, refusals) = (vectors(), refusals());
    let survives = |contract: &StepVerifier, killer: &str| {
        if let Some(vector) = steps.iter().find(|vector| vector.name == killer) {
            let answer = contract.step(vector.pre, &vector.witness);
            return answer.map(|(post, _)| post) == Ok(vector.post);
        }
        let refusal = refusals.iter().find(|refusal| refusal.name == killer);
        let refusal = refusal.unwrap_or_else(|| panic!("no vector is named {killer}"));
        let answer = contract.step(refusal.pre, &refusal.witness);
        answer.is_err_and(|error| error.selector() == Some(selector(refusal.error)))
    };
    let original = code("original");
    let mut alive = Vec::new();
    for (k, (file, from, to, killer)) in MUTANTS.iter().enumerate() {
        assert!(survives(&original, killer), "the original fails {killer}");
        if survives(&code(&format!("m{k}")), killer) {
            alive.push(format!("{file}: `{from}` -> `{to}` survives {killer}"));
        }
    }
    assert!(
        alive.is_empty(),
        "{} mutants live:\n{}",
        alive.len(),
        alive.join("\n")
    );
    println!("{} mutants killed", MUTANTS.len());
}
