//! All metrics, by the part that has them; `docs/operations.md` shows the same table, and a test compares.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A distribution, in buckets.
    Histogram,
}

/// Who has a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Every program that serves metrics.
    Process,
    /// Sequencer and replica.
    Node,
    /// The sequencer alone.
    Sequencer,
    /// A sequencer with the batcher's key.
    Batcher,
    /// A replica that follows the feed.
    Feed,
    /// A node with the proposer's key.
    Proposer,
    /// Whoever sends transactions to L1: batcher, proposer, challenger.
    Sender,
    /// The challenger.
    Challenger,
    /// The archive of blobs.
    Archive,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Who has it.
    pub part: Part,
    /// Its label and the values that are there from the start; none without a label.
    pub label: Option<(&'static str, &'static [&'static str])>,
    /// What it tells.
    pub about: &'static str,
}

impl Metric {
    const fn new(part: Part, kind: Kind, name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            kind,
            part,
            label: None,
            about,
        }
    }

    const fn by(mut self, label: &'static str, values: &'static [&'static str]) -> Self {
        self.label = Some((label, values));
        self
    }

    /// The kind in words.
    #[must_use]
    pub const fn kind_words(&self) -> &'static str {
        match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }

    /// Who has it, in words.
    #[must_use]
    pub const fn part_words(&self) -> &'static str {
        match self.part {
            Process => "all",
            Node => "node",
            Sequencer => "sequencer",
            Batcher => "batcher",
            Feed => "replica with a feed",
            Proposer => "proposer",
            Sender => "senders to L1",
            Challenger => "challenger",
            Archive => "archive",
        }
    }

    /// Describes it, and counts zero where it counts.
    pub(super) fn register(&self) {
        let unit = match self.name {
            name if name.ends_with("_seconds") => Unit::Seconds,
            name if name.ends_with("_bytes") || name.ends_with("_bytes_total") => Unit::Bytes,
            _ => Unit::Count,
        };
        match self.kind {
            Kind::Gauge => describe_gauge!(self.name, unit, self.about),
            Kind::Histogram => describe_histogram!(self.name, unit, self.about),
            Kind::Counter => {
                describe_counter!(self.name, unit, self.about);
                self.count_zero();
            }
        }
    }

    fn count_zero(&self) {
        match self.label {
            None => counter!(self.name).increment(0),
            Some((label, values)) => {
                for value in values {
                    counter!(self.name, label => *value).increment(0);
                }
            }
        }
    }
}

use {Kind::*, Part::*};

/// All of them.
pub const METRICS: &[Metric] = &[
    Metric::new(Process, Gauge, "process_start_time_seconds", "start of the process, in seconds since 1970"),
    Metric::new(Process, Counter, "process_cpu_seconds_total", "CPU time of the process"),
    Metric::new(Process, Gauge, "process_resident_memory_bytes", "memory of the process that is in RAM"),
    Metric::new(Process, Gauge, "process_virtual_memory_bytes", "address space of the process; the database maps far more than it uses"),
    Metric::new(Process, Gauge, "process_virtual_memory_max_bytes", "largest address space that the process may have"),
    Metric::new(Process, Gauge, "process_open_fds", "open files and sockets"),
    Metric::new(Process, Gauge, "process_max_fds", "open files and sockets that the process may have"),
    Metric::new(Process, Gauge, "process_threads", "threads"),
    Metric::new(Node, Gauge, "trestle_head_block", "number of the newest block on disk (unsafe), in a batch on L1 (safe), and final there (finalized)").by("head", &["unsafe", "safe", "finalized"]),
    Metric::new(Node, Gauge, "trestle_head_age_seconds", "time since the timestamp of the newest block on disk"),
    Metric::new(Node, Gauge, "trestle_l1_head_block", "number of the newest L1 block read"),
    Metric::new(Node, Gauge, "trestle_l1_finalized_block", "number of the newest final L1 block read"),
    Metric::new(Node, Gauge, "trestle_l1_lag_seconds", "time since the timestamp of the newest L1 block read: L1's own pace, and how far the reader is behind"),
    Metric::new(Node, Gauge, "trestle_l1_live", "1 while L1 answers and has been read to its head, else 0"),
    Metric::new(Node, Gauge, "trestle_l1_halted", "1 when the reader gave up, because L1 took back what it called final, else 0"),
    Metric::new(Node, Gauge, "trestle_l1_batches", "batches in the Inbox"),
    Metric::new(Node, Gauge, "trestle_l1_queue_waiting", "queue entries (deposits among them) that no batch on L1 has consumed"),
    Metric::new(Node, Counter, "trestle_l1_reader_faults_total", "failed looks at L1; they are repeated"),
    Metric::new(Node, Counter, "trestle_l1_reorgs_total", "L1 reorgs seen"),
    Metric::new(Node, Counter, "trestle_unwinds_total", "times that blocks were taken back because L1 said otherwise"),
    Metric::new(Node, Gauge, "trestle_ready", "1 while /readyz says ok, else 0"),
    Metric::new(Node, Gauge, "trestle_pool_transactions", "transactions in the pool"),
    Metric::new(Node, Gauge, "trestle_pool_bytes", "bytes of the transactions in the pool"),
    Metric::new(Node, Gauge, "trestle_store_unfolded_blocks", "blocks in memory that are in the journal only: grows when the database cannot keep up"),
    Metric::new(Node, Gauge, "trestle_store_unfolded_bytes", "memory of what is in the journal only, estimated: from half of --max-unfolded on blocks come more slowly"),
    Metric::new(Node, Gauge, "trestle_store_stalled", "1 while the disk refuses and nothing is acknowledged, else 0"),
    Metric::new(Node, Histogram, "trestle_journal_sync_seconds", "time of a sync of the journal: the floor of every receipt"),
    Metric::new(Node, Counter, "trestle_journal_bytes_total", "bytes written to the journal"),
    Metric::new(Node, Counter, "trestle_rpc_requests_total", "JSON-RPC requests by method (names that are none under `unknown`) and by outcome (`ok`, `error`)"),
    Metric::new(Node, Histogram, "trestle_rpc_seconds", "time to answer a JSON-RPC request, by method"),
    Metric::new(Sequencer, Counter, "trestle_sealed_blocks_total", "blocks sealed"),
    Metric::new(Sequencer, Counter, "trestle_sealed_transactions_total", "transactions in them, deposits included"),
    Metric::new(Sequencer, Counter, "trestle_sealed_gas_total", "L2 gas used by them"),
    Metric::new(Sequencer, Histogram, "trestle_seal_seconds", "time from the begin of a block to its seal, state root included"),
    Metric::new(Sequencer, Gauge, "trestle_clock_ahead_seconds", "how far the machine's clock is ahead of L1's, else 0"),
    Metric::new(Sequencer, Gauge, "trestle_clock_behind_seconds", "how far it is behind, else 0"),
    Metric::new(Batcher, Gauge, "trestle_batcher_backlog_blocks", "blocks that wait for a batch"),
    Metric::new(Batcher, Gauge, "trestle_batcher_backlog_seconds", "age of the oldest block that waits for a batch"),
    Metric::new(Batcher, Counter, "trestle_batcher_batches_total", "batches handed to the L1 sender"),
    Metric::new(Batcher, Counter, "trestle_batcher_bytes_total", "bytes of their payloads"),
    Metric::new(Batcher, Counter, "trestle_batcher_transactions_total", "transactions in them"),
    Metric::new(Batcher, Counter, "trestle_batcher_late_blocks_total", "blocks whose batch came so late that L1 sets another time for them"),
    Metric::new(Batcher, Gauge, "trestle_batcher_balance_gwei", "balance of the batcher's account on L1"),
    Metric::new(Batcher, Gauge, "trestle_batcher_window_used_percent", "how much is over of the time in which what waits for L1 can be posted unchanged, in percent: of the oldest block, or of the oldest queue entry that can be forced in"),
    Metric::new(Batcher, Gauge, "trestle_l1_spent_gwei", "what the batcher's account has paid L1 in a day, what waits counted at the most it may cost; absent without --max-l1-spend"),
    Metric::new(Batcher, Gauge, "trestle_l1_spend_cap_gwei", "most that it may pay in a day; absent without --max-l1-spend"),
    Metric::new(Batcher, Gauge, "trestle_l1_spend_capped", "1 while that keeps a batch back, else 0; absent without --max-l1-spend"),
    Metric::new(Batcher, Gauge, "trestle_backlog_kibibytes", "user transactions that are sealed and not on L1, in KiB"),
    Metric::new(Batcher, Gauge, "trestle_backlog_seconds", "age of the oldest block that is not on L1"),
    Metric::new(Batcher, Gauge, "trestle_admission_price_percent", "what a newcomer must offer, in percent of the least fee, because of what waits for L1; 0 while none is taken, also because the database is behind"),
    Metric::new(Feed, Counter, "trestle_feed_blocks_total", "blocks taken from the sequencer's feed"),
    Metric::new(Feed, Counter, "trestle_feed_broken_total", "times that following the feed broke off, by reason").by("reason", &[]),
    Metric::new(Proposer, Gauge, "trestle_proposer_batch", "newest batch proposed"),
    Metric::new(Proposer, Gauge, "trestle_proposer_games", "games of the proposer that are not over"),
    Metric::new(Proposer, Gauge, "trestle_proposer_balance_gwei", "balance of the proposer's account on L1, as of its last proposal"),
    Metric::new(Proposer, Counter, "trestle_proposer_faults_total", "failed rounds of the proposer; they are repeated"),
    Metric::new(Proposer, Counter, "trestle_proposer_lost_total", "proposals that were defeated"),
    Metric::new(Sender, Gauge, "trestle_l1_sender_waiting", "L1 transactions that wait for a block"),
    Metric::new(Sender, Counter, "trestle_l1_sender_attempts_total", "L1 transactions signed, replacements included"),
    Metric::new(Sender, Counter, "trestle_l1_sender_fee_bumps_total", "L1 transactions replaced by themselves at higher fees"),
    Metric::new(Sender, Counter, "trestle_l1_sender_included_total", "L1 transactions in a block, by whether they succeeded").by("success", &["true", "false"]),
    Metric::new(Sender, Counter, "trestle_l1_sender_reorged_total", "L1 transactions whose block was taken back"),
    Metric::new(Sender, Counter, "trestle_l1_sender_faults_total", "failed steps of the L1 sender; they are repeated"),
    Metric::new(Sender, Gauge, "trestle_l1_sender_halted", "1 when an L1 sender of this program has ended, else 0"),
    Metric::new(Challenger, Gauge, "trestle_challenger_batch", "newest batch derived"),
    Metric::new(Challenger, Gauge, "trestle_challenger_games", "games that are watched"),
    Metric::new(Challenger, Gauge, "trestle_challenger_false_roots", "games with a false root"),
    Metric::new(Challenger, Gauge, "trestle_challenger_disputes", "games in dispute"),
    Metric::new(Challenger, Gauge, "trestle_challenger_bonds_locked_gwei", "bonds of the challenger that are locked"),
    Metric::new(Challenger, Gauge, "trestle_challenger_clock_left_seconds", "time left on the most urgent clock; absent without one"),
    Metric::new(Challenger, Gauge, "trestle_challenger_balance_gwei", "balance of the challenger's account on L1; absent without a key"),
    Metric::new(Challenger, Counter, "trestle_challenger_moves_total", "moves made, by kind").by("move", &[]),
    Metric::new(Challenger, Counter, "trestle_challenger_faults_total", "failed rounds of the challenger; they are repeated"),
    Metric::new(Challenger, Counter, "trestle_challenger_unaffordable_total", "moves that the account could not pay"),
    Metric::new(Challenger, Counter, "trestle_challenger_lost_games_total", "games that ended against the truth"),
    Metric::new(Challenger, Counter, "trestle_challenger_l1_reorgs_total", "L1 reorgs seen by the challenger"),
    Metric::new(Challenger, Counter, "trestle_challenger_machine_disagreements_total", "batches that the machine ends otherwise than derivation does"),
    Metric::new(Challenger, Gauge, "trestle_challenger_machine_disagreement_batch", "the newest of them; absent without one"),
    Metric::new(Challenger, Gauge, "trestle_challenger_waiting_games", "games whose moves wait for the machine"),
    Metric::new(Archive, Gauge, "trestle_archive_l1_block", "L1 block up to which the log was read"),
    Metric::new(Archive, Gauge, "trestle_archive_batch", "newest batch in the log"),
    Metric::new(Archive, Gauge, "trestle_archive_missing_blobs", "blobs that should be kept and are not"),
    Metric::new(Archive, Counter, "trestle_archive_blobs_total", "blobs fetched and kept"),
    Metric::new(Archive, Counter, "trestle_archive_damaged_total", "files that did not hold their blob; they are fetched again"),
    Metric::new(Archive, Counter, "trestle_archive_faults_total", "failed rounds of the archive; they are repeated"),
    Metric::new(Archive, Counter, "trestle_archive_batches_taken_back_total", "batches that L1 took back"),
];
