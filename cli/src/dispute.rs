//! `trestle dispute`: what disputes cost and how long they take.
//!
//! Arithmetic over the published rules only; asks no node. Spec: `SPEC.md`, chapter "Claims and disputes".

use alloy_primitives::{U256, utils::format_ether, utils::parse_ether};
use clap::Subcommand;
use eyre::WrapErr as _;
use trestle_challenger::{Clocks, CostReport, DisputeCosts, GasSchedule};

/// Figures about disputes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bonds, delays, what an attacker loses per hour of delay, and what the honest side must hold.
    Cost(Cost),
}

/// Inputs of the calculation; the defaults are those of a mainnet deployment.
#[derive(Debug, clap::Args)]
struct Cost {
    /// Value that the chain holds, in ether.
    #[arg(long, default_value = "1000")]
    tvl: String,
    /// Batches between the anchor and the disputed root, 1 to 2097152.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=2_097_152))]
    batches: u64,
    /// Least bond, in ether.
    #[arg(long, default_value = "0.040000000002097152")]
    bond_min: String,
    /// Chess clock of one side, in seconds.
    #[arg(long, default_value_t = 302_400)]
    max_clock: u64,
    /// Least time to answer a claim, in seconds.
    #[arg(long, default_value_t = 14_400)]
    extension: u64,
    /// The defender's time from a claim to its answer's inclusion, in seconds.
    #[arg(long, default_value_t = 600)]
    response: u64,
    /// Price of L1 gas, in gwei.
    #[arg(long, default_value_t = 20)]
    gas_price: u64,
}

/// Prints the report.
///
/// # Errors
/// When an amount of ether does not parse.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let Command::Cost(cost) = args.command;
    let inputs = DisputeCosts {
        bond_min: parse_ether(&cost.bond_min).wrap_err("--bond-min")?,
        clocks: Clocks {
            max_clock: cost.max_clock,
            extension: cost.extension,
        },
        batches: cost.batches,
        gas_price: U256::from(cost.gas_price).saturating_mul(U256::from(1_000_000_000)),
        response: cost.response,
        tvl: parse_ether(&cost.tvl).wrap_err("--tvl")?,
        gas: GasSchedule::MEASURED,
    };
    print!("{}", table(&inputs, &inputs.report()));
    Ok(())
}

fn table(inputs: &DisputeCosts, report: &CostReport) -> String {
    let mut text = String::from("Bonds, by moves possible below the claim\n");
    for (moves, bond) in report.bonds.by_moves_below.iter().enumerate() {
        text += &row(&format!("{moves}"), &ether(*bond));
    }
    let gas = inputs
        .gas_price
        .saturating_mul(U256::from(report.honest_gas));
    text += &format!("\nA root over {} batches\n", inputs.batches);
    for (what, value) in [
        (
            "counters in the longest game",
            report.root_moves.to_string(),
        ),
        ("settled, undisputed", hours(report.delay.undisputed)),
        (
            "settled, true and defended, at most",
            hours(report.delay.prompt_defender),
        ),
        (
            "settled, whatever happens, at most",
            hours(report.delay.absolute),
        ),
        (
            "honest bonds against a false root",
            ether(report.refute_root),
        ),
        ("honest bonds for a true root", ether(report.defend_root)),
        (
            "honest gas, bonds won not counted",
            format!("{} ({})", report.honest_gas, ether(gas)),
        ),
    ] {
        text += &row(what, &value);
    }
    text += "\nAn attacker who delays a true root as long as it can\n";
    for (what, value) in [
        ("delay that it buys", hours(report.bought_delay)),
        ("bonds that it loses", ether(report.attacker_loss)),
        ("of which burned", ether(report.attacker_burn)),
        (
            "loss per hour of delay, gas included",
            ether(report.loss_per_hour),
        ),
    ] {
        text += &row(what, &value);
    }
    text += &format!("\nAn attacker who locks all of {}\n", ether(inputs.tvl));
    for (what, value) in [
        ("attacks at once", report.parallel_attacks.to_string()),
        (
            "what the honest side must hold, at most",
            ether(report.honest_capital),
        ),
    ] {
        text += &row(what, &value);
    }
    text
}

fn row(what: &str, value: &str) -> String {
    format!("  {what:<40} {value:>24}\n")
}

fn ether(wei: U256) -> String {
    let text = format_ether(wei);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let digits: String = fraction.chars().take(4).collect();
    format!("{whole}.{digits} ETH")
}

/// Hours with one decimal, rounded down.
fn hours(seconds: u64) -> String {
    let tenths = seconds / 360;
    format!("{}.{} h", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_the_defaults_states_ratio_and_delay() {
        let inputs = DisputeCosts {
            bond_min: parse_ether("0.040000000002097152").unwrap(),
            clocks: Clocks {
                max_clock: 302_400,
                extension: 14_400,
            },
            batches: 1_000,
            gas_price: U256::from(20_000_000_000_u64),
            response: 600,
            tvl: parse_ether("1000").unwrap(),
            gas: GasSchedule::MEASURED,
        };
        let text = table(&inputs, &inputs.report());
        assert!(text.contains("800.0000 ETH"), "{text}");
        assert!(text.contains("196.0 h"), "{text}");
    }
}
