//! How much the pool keeps.

/// Bounds of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Nonces ahead of a sender's next one that are kept.
    pub future_nonces: u64,
    /// Bytes of transactions that one sender may hold.
    pub sender_bytes: usize,
    /// Transactions that a sender may hold whose account others can spend: one with an EIP-7702
    /// delegation, or one that a transaction in the pool would delegate.
    pub delegated_count: usize,
    /// Bytes of transactions that the pool holds.
    pub total_bytes: usize,
    /// Transactions that the pool holds.
    pub total_count: usize,
    /// Percent by which a replacement must raise both fees.
    pub price_bump: u32,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            future_nonces: 1_024,
            sender_bytes: 4 << 20,
            delegated_count: 4,
            total_bytes: 256 << 20,
            total_count: 400_000,
            price_bump: 10,
        }
    }
}
