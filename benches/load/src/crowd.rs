//! Accounts that only receive: as many as a chain of some age has.
//!
//! They are made by transactions that run code and leave no contract: it sends one wei to each of a row of
//! addresses. Their places in the state trie are as random as those of any accounts, for these are hashes.

use std::time::Duration;

use alloy::primitives::{Address, Bytes, TxKind, U256, address};

use tokio::time::{Instant, sleep_until};

use crate::{load::send_and_see, rpc::Rpc, senders::Sender};

/// Who receives where no crowd is asked for: the same account again and again, as with a busy exchange.
const SINK: Address = address!("00000000000000000000000000000000000051ac");
/// First of the row of addresses.
const FIRST: Address = address!("c0ffee0000000000000000000000000000000000");
/// Accounts that one transaction makes: each costs 34,300 gas and a little, a transaction may cost 2^24.
const ROW: usize = 450;
/// Transactions of one request.
const ROWS: usize = 20;
/// Accounts made in a second at most, so that the fee does not rise: 450 million gas, below the highest target.
const PACE: f64 = 13_000.0;

/// The accounts.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    size: usize,
    /// Which member is next: a generator of full period over 64 bits.
    state: u64,
}

impl Crowd {
    /// Makes `size` accounts.
    ///
    /// # Errors
    /// When a transaction is refused or fails.
    pub(crate) async fn make(rpc: &Rpc, rich: &mut Sender, size: usize) -> eyre::Result<Self> {
        let (mut made, begun) = (0, Instant::now());
        while made < size {
            let mut rows = Vec::new();
            while made < size && rows.len() < ROWS {
                let count = ROW.min(size - made);
                let value = U256::from(count);
                rows.push(rich.sign(TxKind::Create, value, code(made, count), 16_700_000)?);
                made += count;
            }
            send_and_see(rpc, &rows).await?;
            #[expect(clippy::cast_precision_loss, reason = "a few million")]
            let due = Duration::from_secs_f64(made as f64 / PACE);
            sleep_until(begun + due).await;
        }
        Ok(Self {
            size,
            state: 0x7265_7374_6c65,
        })
    }

    /// A member, at random but the same in every run.
    pub(crate) fn member(&mut self) -> Address {
        if self.size == 0 {
            return SINK;
        }
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        member(usize::try_from(self.state >> 33).unwrap_or(0) % self.size)
    }
}

fn member(index: usize) -> Address {
    let first = U256::from_be_slice(FIRST.as_slice());
    Address::from_word((first + U256::from(index)).into())
}

/// Init code that sends one wei to each of `count` accounts from the one of number `from` on.
fn code(from: usize, count: usize) -> Bytes {
    let mut code = vec![0x61]; // PUSH2 count
    code.extend(u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
    code.push(0x73); // PUSH20 address
    code.extend(member(from));
    let head = u8::try_from(code.len()).unwrap_or(u8::MAX);
    // JUMPDEST; CALL(gas, address, 1, 0, 0, 0, 0); POP
    code.extend([
        0x5b, 0x5f, 0x5f, 0x5f, 0x5f, 0x60, 0x01, 0x85, 0x5a, 0xf1, 0x50,
    ]);
    // address += 1; count -= 1; jump back unless count is 0; STOP
    code.extend([0x60, 0x01, 0x01, 0x90, 0x60, 0x01, 0x90, 0x03]);
    code.extend([0x80, 0x91, 0x90, 0x60, head, 0x57, 0x00]);
    code.into()
}
