//! Where blobs are taken from: the arguments of every command that derives a chain.

use std::{path::PathBuf, time::Duration};

use alloy::transports::http::reqwest::Url;
use trestle_sequencer::l1::{BeaconClient, BlobSource};

/// Longest wait for an answer of a beacon endpoint.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sources of blobs, asked in turn.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BlobArgs {
    /// Beacon endpoint for blobs; may be given again for others, an archive's say, which are asked in turn.
    #[arg(
        long,
        visible_alias = "l1-beacon",
        value_name = "URL",
        env = "TRESTLE_L1_BEACON",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(crate) beacon: Vec<Url>,
    /// Folder of archived blobs, named by versioned hash; looked at first.
    #[arg(long, value_name = "DIR", alias = "blobs")]
    pub(crate) blob_archive: Option<PathBuf>,
}

impl BlobArgs {
    /// The sources.
    pub(crate) fn source(&self) -> BlobSource {
        let client = |url: &Url| BeaconClient::new(url.clone(), TIMEOUT);
        BlobSource {
            archive: self.blob_archive.clone(),
            beacons: self.beacon.iter().map(client).collect(),
        }
    }
}
