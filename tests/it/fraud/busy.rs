//! The machine at work for one game, and another game that wants an answer.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use trestle_challenger::service::{FalseRoot, Side};

use super::{
    attacks::propose_over,
    player::{Player, Scene},
};
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn game_is_answered_while_the_machine_is_at_work_for_another() {
    let scene = Scene::with_batches(2).await;
    let header = scene.trace.0.header(2).unwrap();
    let lie = FalseRoot::Storage.falsify(&header, 0);
    let other = propose_over(&scene.arena, &scene.trace, 2, lie).await;
    let side = Side::Truth(Arc::clone(&scene.trace.0));
    let url = scene.arena.chain.l1.url();
    let player = Player::new(&scene.arena, "the challenger", &url, side).await;

    // Whoever asks for the first batch's run waits, as while it is made.
    let (began, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let oracle = Arc::clone(&scene.trace.0);
    let at_work = thread::spawn(move || {
        oracle
            .with_run(1, |_| {
                began.send(()).unwrap();
                // An error says that the test has ended.
                let _ = released.recv_timeout(Duration::from_secs(300));
                Ok(())
            })
            .unwrap();
    });
    tokio::task::block_in_place(|| has_begun.recv_timeout(Duration::from_secs(180))).unwrap();

    let (service, mut status) = player.service(&scene.arena, None);
    let service = tokio::spawn(service.run());
    eventually("an answer in the other game", 180, || async {
        (scene.moves_in(other).await > 0).then_some(())
    })
    .await;
    let waits = status.wait_for(|status| status.waiting == 1 && status.counts.games == 2);
    tokio::time::timeout(Duration::from_secs(60), waits)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(scene.moves().await, 0, "the run is not there yet");
    assert_eq!(status.borrow().counts.false_roots, 2);
    assert!(!service.is_finished());

    release.send(()).unwrap();
    tokio::task::block_in_place(|| at_work.join()).unwrap();
    scene
        .answered("the answer that needed the machine", 0)
        .await;
    eventually("nothing waits", 60, || async {
        (status.borrow().waiting == 0).then_some(())
    })
    .await;
    service.abort();
}
