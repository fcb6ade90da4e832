//! Positional parameters, one after another, each with an error that names its place.

use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::RpcError;

/// The parameters of a request that are not read yet.
#[derive(Debug)]
pub(super) struct Args {
    values: std::vec::IntoIter<Box<RawValue>>,
    next: usize,
}

impl Args {
    /// Reads the list. Absent parameters are an empty list; parameters by name are refused.
    pub(super) fn new(params: &Params<'_>) -> Result<Self, RpcError> {
        let values: Vec<Box<RawValue>> = match params.as_str() {
            None | Some("null") => Vec::new(),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| RpcError::params("parameters must be a list"))?,
        };
        Ok(Self {
            values: values.into_iter(),
            next: 0,
        })
    }

    /// The next parameter.
    pub(super) fn required<T: DeserializeOwned>(&mut self) -> Result<T, RpcError> {
        let place = self.next;
        self.optional()?
            .ok_or_else(|| RpcError::params(format!("missing value for required argument {place}")))
    }

    /// The next parameter; `None` if it is absent or null.
    pub(super) fn optional<T: DeserializeOwned>(&mut self) -> Result<Option<T>, RpcError> {
        let place = self.next;
        self.next += 1;
        let Some(value) = self.values.next() else {
            return Ok(None);
        };
        if value.get() == "null" {
            return Ok(None);
        }
        serde_json::from_str(value.get())
            .map(Some)
            .map_err(|error| RpcError::params(format!("invalid argument {place}: {error}")))
    }

    /// Refuses parameters beyond those read.
    pub(super) fn end(mut self) -> Result<(), RpcError> {
        match self.values.next() {
            None => Ok(()),
            Some(_) => Err(RpcError::params(format!(
                "too many arguments, want at most {}",
                self.next
            ))),
        }
    }
}
