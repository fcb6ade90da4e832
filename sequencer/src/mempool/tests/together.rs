//! Transactions that come together are answered as if each had come alone.

use super::*;

/// What a batch may hold, good and bad, from two accounts.
fn mixture(keys: &[PrivateKeySigner; 2]) -> Vec<Bytes> {
    let [one, other] = keys;
    let high = {
        let tx = transfer(2);
        let signature = one.sign_hash_sync(&tx.signature_hash()).unwrap();
        let order = alloy_primitives::uint!(
            0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256
        );
        let flipped = Signature::new(signature.r(), order - signature.s(), !signature.v());
        let tx: OpTxEnvelope = tx.into_signed(flipped).into();
        Bytes::from(tx.encoded_2718())
    };
    let nobody = {
        let signature = Signature::new(U256::MAX, U256::from(1), false);
        let tx: OpTxEnvelope = transfer(2).into_signed(signature).into();
        Bytes::from(tx.encoded_2718())
    };
    let legacy = TxLegacy {
        chain_id: Some(CHAIN),
        nonce: 1,
        gas_price: 2 * GWEI,
        gas_limit: 21_000,
        to: TxKind::Call(Address::ZERO),
        ..TxLegacy::default()
    };
    vec![
        signed(transfer(0), one),
        Bytes::new(),
        signed(transfer(1), one),
        high,
        signed(transfer(0), one),
        Bytes::from_static(&[2, 1, 2, 3]),
        signed(transfer(0), other),
        nobody,
        signed(legacy, other),
        signed(transfer(9), other),
        signed(transfer(0), &PrivateKeySigner::random()),
        vec![0x7e; 40].into(),
    ]
}

#[tokio::test]
async fn submissions_together_are_answered_as_one_after_the_other() {
    let keys = [PrivateKeySigner::random(), PrivateKeySigner::random()];
    let (together, alone) = (bed(), bed());
    for key in &keys {
        together.fund(key.address(), 0, ETHER);
        alone.fund(key.address(), 0, ETHER);
    }
    let batch = mixture(&keys);
    let answers = together.pool.submit_all(batch.clone()).await;
    assert_eq!(answers.len(), batch.len());
    for (place, (encoded, answer)) in batch.into_iter().zip(&answers).enumerate() {
        assert_eq!(*answer, alone.pool.submit(encoded).await, "place {place}");
    }
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(accepted, 5);
    assert_eq!(together.journal.0.load(Ordering::Relaxed), accepted);
    let order = |bed: &Bed| -> Vec<B256> {
        let ready = bed.pool.take_ready(100);
        ready.iter().map(|tx| tx.hash()).collect()
    };
    assert_eq!(order(&together), order(&alone));
}

#[tokio::test]
async fn senders_recovered_side_by_side_are_those_of_the_rule() {
    let keys: Vec<_> = (0..40).map(|_| PrivateKeySigner::random()).collect();
    let encoded: Vec<_> = keys.iter().map(|key| signed(transfer(0), key)).collect();
    for (found, (encoded, key)) in PooledTransaction::decode_all(encoded.clone(), 1_000)
        .into_iter()
        .zip(encoded.iter().zip(&keys))
    {
        let found = found.unwrap();
        assert_eq!(found.sender, key.address());
        assert_eq!(
            found,
            PooledTransaction::decode(encoded.clone(), 1_000).unwrap()
        );
    }
}

#[tokio::test]
async fn paused_pool_refuses_all_that_come_together() {
    let bed = bed();
    bed.pool.set_paused(Some("closing"));
    let answers = bed.pool.submit_all(vec![Bytes::new(), Bytes::new()]).await;
    assert_eq!(
        answers,
        [
            Err(PoolError::Paused("closing")),
            Err(PoolError::Paused("closing"))
        ]
    );
}
