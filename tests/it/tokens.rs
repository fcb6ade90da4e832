//! ERC-20 tokens of either layer, there and back by commands, against `trestle dev`; `force`, `claim` and `transfers`.

use alloy::{
    primitives::{Address, Bytes, U256, utils::parse_ether},
    providers::{DynProvider, Provider, ext::AnvilApi},
};
use serde_json::{Value, json};
use trestle_contracts::{
    bindings::{L1StandardBridge, L2StandardBridge, SampleToken},
    predeploys::L2_STANDARD_BRIDGE,
};

use crate::{
    support::{Rpc, chain::wallet, json::quantity, supply::assert_ether_is_backed},
    withdrawals::{Setting, USER, events},
};

/// A token on each layer, all of them held by the user at first.
struct Tokens {
    l1: DynProvider,
    l2: DynProvider,
    of_l1: Address,
    of_l2: Address,
}

impl Tokens {
    async fn new(setting: &Setting) -> Self {
        let key = setting.dev.text(&format!("/accounts/{USER}/private_key"));
        let l1 = wallet(&setting.dev.text("/l1/rpc"), &key);
        let l2 = wallet(&setting.dev.text("/l2/rpc"), &key);
        let of_l1 = token(&l1, setting.user(), 1_000).await;
        let of_l2 = token(&l2, setting.user(), 70).await;
        Self {
            l1,
            l2,
            of_l1,
            of_l2,
        }
    }

    /// The tokens' representations: of L1's on L2, of L2's on L1.
    async fn representations(&self, setting: &Setting) -> (Address, Address) {
        let l1 = self.l1_bridge(setting);
        let l2 = L2StandardBridge::new(L2_STANDARD_BRIDGE, &self.l2);
        let there = l2.representationOf(self.of_l1).call().await.unwrap();
        let here = l1.representationOf(self.of_l2).call().await.unwrap();
        (there, here)
    }

    fn l1_bridge(
        &self,
        setting: &Setting,
    ) -> L1StandardBridge::L1StandardBridgeInstance<&DynProvider> {
        let at = setting.dev.text("/l1/contracts/L1StandardBridge");
        L1StandardBridge::new(at.parse().unwrap(), &self.l1)
    }

    /// Per token: what the bridge of its layer holds is what exists on the other one.
    async fn assert_backed(&self, setting: &Setting) {
        let (there, here) = self.representations(setting).await;
        let l1 = self.l1_bridge(setting);
        let l2 = L2StandardBridge::new(L2_STANDARD_BRIDGE, &self.l2);
        let escrow = l1.escrow(self.of_l1).call().await.unwrap();
        assert_eq!(escrow, supply(&self.l2, there).await, "the token of L1");
        assert_eq!(escrow, held(&self.l1, self.of_l1, *l1.address()).await);
        let escrow = l2.escrow(self.of_l2).call().await.unwrap();
        assert_eq!(escrow, supply(&self.l1, here).await, "the token of L2");
        assert_eq!(escrow, held(&self.l2, self.of_l2, L2_STANDARD_BRIDGE).await);
    }
}

async fn token(provider: &DynProvider, holder: Address, amount: u64) -> Address {
    let token = SampleToken::deploy(provider.clone()).await.unwrap();
    let mint = token.mint(vec![holder], U256::from(amount));
    let receipt = mint.send().await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    *token.address()
}

async fn held(provider: &DynProvider, token: Address, holder: Address) -> U256 {
    let token = SampleToken::new(token, provider);
    token.balanceOf(holder).call().await.unwrap()
}

async fn supply(provider: &DynProvider, token: Address) -> U256 {
    let token = SampleToken::new(token, provider);
    token.totalSupply().call().await.unwrap()
}

/// Runs a command that must succeed; its lines.
fn ok(setting: &Setting, words: &[&str]) -> Vec<Value> {
    let (ok, lines, err) = setting.signed(words);
    assert!(ok, "{words:?}: {lines:?} {err}");
    lines
}

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    let ours = lines.iter().filter(|line| line["event"] == event);
    ours.collect()
}

#[tokio::test]
async fn tokens_of_either_layer_go_there_and_back_by_commands() {
    let setting = Setting::new().await;
    let node = setting.dev.text("/l2/rpc");
    let tokens = Tokens::new(&setting).await;
    let (there, here) = tokens.representations(&setting).await;
    let user = setting.user();
    let [of_l1, of_l2, there_text, here_text] =
        [tokens.of_l1, tokens.of_l2, there, here].map(|token| token.to_string());

    let deposit = ["deposit", "900", "--token", &of_l1, "--l2", &node];
    let quote = ok(&setting, &[&deposit[..], &["--dry-run"]].concat());
    assert_eq!(
        quote[0]["transactions"], 2,
        "an allowance and the deposit: {quote:?}"
    );
    let lines = ok(&setting, &[&deposit[..], &["--timeout", "60"]].concat());
    assert_eq!(events(&lines).last(), Some(&"arrived"));
    assert_eq!(held(&tokens.l2, there, user).await, U256::from(900));

    for (amount, token) in [("300", &there_text), ("60", &of_l2)] {
        let lines = ok(
            &setting,
            &[
                "withdraw",
                amount,
                "--token",
                token,
                "--l2",
                &node,
                "--no-wait",
            ],
        );
        assert_eq!(events(&lines), ["initiated"]);
    }
    fail_on_arrival(&setting, &tokens, &node).await;
    assert_eq!(held(&tokens.l1, tokens.of_l1, user).await, U256::from(400));
    assert_eq!(held(&tokens.l1, here, user).await, U256::from(60));
    tokens.assert_backed(&setting).await;

    // And the tokens of L2 back to where they are from.
    let back = ["deposit", "60", "--token", &here_text, "--l2", &node];
    let lines = ok(&setting, &[&back[..], &["--timeout", "60"]].concat());
    assert_eq!(events(&lines).last(), Some(&"arrived"));
    assert_eq!(held(&tokens.l2, tokens.of_l2, user).await, U256::from(70));
    tokens.assert_backed(&setting).await;

    let lines = ok_unsigned(&setting, &["transfers", &user.to_string(), "--l2", &node]);
    let moved: Vec<_> = lines
        .iter()
        .filter(|line| !line["token"].is_null())
        .map(|line| json!([line["event"], line["value"], line["status"]]))
        .collect();
    let expected = [
        json!(["deposit", "0x384", "arrived"]),
        json!(["deposit", "0x3c", "arrived"]),
        json!(["withdrawal", "0x12c", "finalized"]),
        json!(["withdrawal", "0x3c", "finalized"]),
    ];
    assert_eq!(moved, expected, "{lines:?}");
    let (l1, l2) = (setting.l1(), Rpc::new(&node));
    assert_ether_is_backed(&l1, &l2, setting.portal(), &[]).await;
    refuse_what_cannot_be(&setting, &node);
    setting.prove_and_stop().await;
}

fn ok_unsigned(setting: &Setting, words: &[&str]) -> Vec<Value> {
    let (ok, lines, err) = setting.command(words);
    assert!(ok, "{words:?}: {lines:?} {err}");
    lines
}

/// The token of L1 does not work when it is paid out: its message is kept, and claimed again once it does.
async fn fail_on_arrival(setting: &Setting, tokens: &Tokens, node: &str) {
    let code = tokens.l1.get_code_at(tokens.of_l1).await.unwrap();
    let reverting = Bytes::from_static(&[0x5f, 0x5f, 0xfd]);
    tokens
        .l1
        .anvil_set_code(tokens.of_l1, reverting)
        .await
        .unwrap();
    let tx = follow_by_claim(setting, node);
    let user = setting.user().to_string();
    let listed = ok_unsigned(setting, &["transfers", &user, "--l2", node]);
    let listed = of(&listed, "withdrawal");
    let statuses: Vec<_> = listed.iter().map(|line| line["status"].as_str()).collect();
    assert_eq!(statuses, [Some("kept"), Some("finalized")], "{listed:?}");

    let again = ok(setting, &["claim", &tx, "--l2", node]);
    assert!(
        again[1]["keptMessage"].is_string(),
        "failed again: {again:?}"
    );
    tokens.l1.anvil_set_code(tokens.of_l1, code).await.unwrap();
    let again = ok(setting, &["claim", &tx, "--l2", node]);
    assert!(again[1]["keptMessage"].is_null(), "{again:?}");
    // What is paid is told so, and nothing else happens.
    let lines = ok(setting, &["claim", &tx, "--l2", node]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["status"], "finalized");
}

/// Two withdrawals that were begun: looked at, advanced by one step, then claimed.
/// The first of them fails on arrival; gives its transaction.
fn follow_by_claim(setting: &Setting, node: &str) -> String {
    let user = setting.user().to_string();
    let listed = ok_unsigned(setting, &["transfers", &user, "--l2", node]);
    let listed = of(&listed, "withdrawal");
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed.iter().all(|line| line["status"] == "unproven"));

    let lines = ok(setting, &["claim", "--l2", node, "--dry-run"]);
    assert_eq!(events(&lines), ["withdrawal"], "nothing is done: {lines:?}");
    let tx = listed[0]["l2Tx"].as_str().unwrap();
    let lines = ok(setting, &["claim", tx, "--l2", node, "--no-wait"]);
    let step = lines.last().unwrap()["event"].as_str().unwrap();
    assert!(
        ["waiting-for-output", "proven"].contains(&step),
        "one step: {lines:?}"
    );

    let lines = ok(setting, &["claim", "--l2", node, "--timeout", "120"]);
    let paid = of(&lines, "finalized");
    assert_eq!(paid.len(), 2, "{lines:?}");
    let kept = paid.iter().filter(|line| line["keptMessage"].is_string());
    assert_eq!(kept.count(), 1, "{lines:?}");
    let waiting = of(&lines, "waiting");
    assert!(
        waiting.iter().all(|line| line["seconds"].is_u64()) && !waiting.is_empty(),
        "how long it takes: {lines:?}"
    );
    tx.to_owned()
}

fn refuse_what_cannot_be(setting: &Setting, node: &str) {
    let nobody = Address::repeat_byte(0x99).to_string();
    let cases: [(&[&str], &str); 4] = [
        (
            &["deposit", "1", "--token", &nobody],
            "is no ERC-20 token on L1",
        ),
        (
            &["withdraw", "1", "--token", &nobody, "--l2", node],
            "is no ERC-20 token on L2",
        ),
        (&["deposit", "1.5", "--token", &nobody], "no whole number"),
        (&["claim", "--l2", node, "--timeout", "x"], "invalid value"),
    ];
    for (words, reason) in cases {
        let (ok, lines, err) = setting.signed(words);
        assert!(!ok && lines.is_empty(), "{words:?}: {lines:?}");
        assert!(err.contains(reason), "{words:?}: {err}");
    }
}

/// A call through L1's queue, where the sequencer takes it in.
#[tokio::test]
async fn force_sends_a_call_through_l1_and_sees_it_in() {
    let setting = Setting::new().await;
    let (node, to) = (setting.dev.text("/l2/replica"), Address::repeat_byte(0x63));
    let to_text = to.to_string();
    let words = ["force", "--to", &to_text, "--value", "0.25"];
    let lines = ok(&setting, &[&words[..], &["--dry-run"]].concat());
    assert_eq!(events(&lines), ["quote"]);
    assert!(lines[0]["forcibleAfter"].is_u64() && lines[0]["l1Fee"].is_string());
    let lines = ok(&setting, &[&words[..], &["--timeout", "60"]].concat());
    assert_eq!(events(&lines).first(), Some(&"enqueued"));
    assert_eq!(events(&lines).last(), Some(&"included"));
    let l2 = Rpc::new(&node);
    crate::support::eventually("the call is derived", 30, || async {
        (l2.balance(to).await == parse_ether("0.25").unwrap()).then_some(())
    })
    .await;
    let tx = lines[0]["l2Tx"].as_str().unwrap();
    let receipt = l2.receipt(tx.parse().unwrap()).await.unwrap();
    assert_eq!(quantity(&receipt["status"]), 1);
    setting.prove_and_stop().await;
}
