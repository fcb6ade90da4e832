//! EVM programs that tests deploy.

use alloy_primitives::{B256, Bytes};

/// Creation code that returns `runtime`.
pub(super) fn creation(runtime: &[u8]) -> Bytes {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    // PUSH2 length; PUSH1 13; PUSH0; CODECOPY; PUSH2 length; PUSH0; RETURN
    let head = [
        0x61, length[0], length[1], 0x60, 13, 0x5f, 0x39, 0x61, length[0], length[1], 0x5f, 0xf3,
        0x00,
    ];
    [&head[..], runtime].concat().into()
}

/// Emits one log with this topic and 32 bytes of data, whatever it is sent.
pub(super) fn logger(topic: B256) -> Vec<u8> {
    // PUSH1 42; PUSH0; MSTORE; PUSH32 topic; PUSH1 32; PUSH0; LOG1; STOP
    let mut code = vec![0x60, 42, 0x5f, 0x52, 0x7f];
    code.extend(topic);
    code.extend([0x60, 32, 0x5f, 0xa1, 0x00]);
    code
}

/// Reverts with this data.
pub(super) fn reverter(data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap();
    // PUSH1 length; PUSH1 10; PUSH0; CODECOPY; PUSH1 length; PUSH0; REVERT
    let mut code = vec![0x60, length, 0x60, 10, 0x5f, 0x39, 0x60, length, 0x5f, 0xfd];
    code.extend(data);
    code
}

/// Returns number, timestamp, base fee, gas price, and the hash of the block before.
pub(super) fn environment() -> Vec<u8> {
    // NUMBER; PUSH0; MSTORE; TIMESTAMP; PUSH1 32; MSTORE; BASEFEE; PUSH1 64; MSTORE;
    // GASPRICE; PUSH1 96; MSTORE; PUSH1 1; NUMBER; SUB; BLOCKHASH; PUSH1 128; MSTORE; PUSH1 160; PUSH0; RETURN
    vec![
        0x43, 0x5f, 0x52, 0x42, 0x60, 32, 0x52, 0x48, 0x60, 64, 0x52, 0x3a, 0x60, 96, 0x52, 0x60,
        1, 0x43, 0x03, 0x40, 0x60, 128, 0x52, 0x60, 160, 0x5f, 0xf3,
    ]
}
