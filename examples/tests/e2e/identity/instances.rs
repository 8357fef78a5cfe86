//! Two instances behind one address know the same devices and refuse the same tokens.

use reqwest::StatusCode;
use testkit::Redis;

use super::held::{Pair, bearer, until_status};
use super::{device_with, devices, enter, page, pair, post, whose, why};
use crate::demo::{Demo, client, sign_in};
use crate::instances::free_addr;

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_know_the_same_devices_and_refuse_the_same_tokens() {
    if testkit::skipped("redis") {
        return;
    }
    let redis = Redis::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = redis.url();
    // One public address, which is the issuer of the tokens.
    let addrs = [free_addr(), free_addr()];
    let public = format!("http://{}", addrs[0]);
    let _demos = addrs.map(|addr| {
        let listen = addr.to_string();
        let args = ["--listen", &*listen, "--redis-url", &*url, "--public-url", &*public];
        Demo::start_in(folder.path(), &args)
    });
    let http = client();
    let [one, two] = &addrs.map(|addr| format!("http://{addr}"));
    let first = pair(&enter(&http, one, "lilei", "first", false).await);
    let second = pair(&enter(&http, two, "lilei", "second", false).await);
    let mut lists = Vec::new();
    for base in [one, two] {
        let shown = page(&http, format!("{base}/account"), &first).await;
        lists.push(devices(&shown).into_iter().map(|(id, _)| id.to_owned()).collect::<Vec<_>>());
        assert_eq!(device_with(&shown, "data-this"), device_with(&shown, "first"));
    }
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0].len(), 2);

    // Called back on one, refused on both.
    let issued = Pair::issue(&http, one, &first).await;
    let kept = Pair::issue(&http, two, &second).await;
    for base in [one, two] {
        assert_eq!(bearer(&http, base, &issued.access).await.status(), StatusCode::OK);
    }
    assert!(issued.step(&http, two, &second, "revoke").await.good);
    for base in [one, two] {
        until_status(&http, base, &issued.access, StatusCode::UNAUTHORIZED).await;
        assert_eq!(bearer(&http, base, &kept.access).await.status(), StatusCode::OK);
    }
    // Exchanged on one, used up on the other.
    let next = kept.step(&http, one, &first, "refresh").await;
    assert!(next.step(&http, two, &second, "refresh").await.good);
    assert!(kept.step(&http, two, &second, "refresh").await.words.contains("Used up before"));

    // Signed out on the other; then kicked from the other, tokens and all.
    let shown = page(&http, format!("{two}/account"), &second).await;
    let id = device_with(&shown, "first");
    post(&http, format!("{two}/account/devices/{id}/sign-out"), &second, &[]).await;
    for base in [one, two] {
        assert_eq!(why(&http, base, &first).await, "signed_out");
    }
    let admin = sign_in(&http, one, "admin").await;
    let user = whose(&http, two, &second).await;
    let online = page(&http, format!("{one}/admin/online"), &admin).await;
    assert!(online.contains(&format!("data-user=\"{user}\"")));
    post(&http, format!("{one}/admin/online/{user}/sign-out"), &admin, &[]).await;
    for base in [one, two] {
        assert_eq!(why(&http, base, &second).await, "kicked");
        until_status(&http, base, &kept.access, StatusCode::UNAUTHORIZED).await;
        let online = page(&http, format!("{base}/admin/online"), &admin).await;
        assert!(!online.contains(&format!("data-user=\"{user}\"")));
    }
}
