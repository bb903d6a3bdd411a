// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stock at its limits (signal.md §3 and §5.4).

use super::*;

const DAY: u64 = 24 * 60 * 60 * 1_000;
pub(super) const START: u64 = 1_800_000_000_000;

/// Bytes that never come twice.
pub(super) struct Counter(pub(super) u64);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Error> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&sha::sha256(&[&self.0.to_be_bytes()])[..chunk.len()]);
        }
        Ok(())
    }
}

struct Fails;

impl Random for Fails {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::RandomUnavailable)
    }
}

pub(super) struct World {
    pub(super) identity: x25519::PrivateKey,
    random: Counter,
    pub(super) stock: PreKeyStock,
}

impl World {
    pub(super) fn new() -> Self {
        let mut random = Counter(0);
        let identity = x25519::PrivateKey::random(&mut random).unwrap();
        let stock = PreKeyStock::generate(&identity, START, &mut random).unwrap();
        Self { identity, random, stock }
    }

    pub(super) fn refresh(&mut self, remaining: usize, now_ms: u64) -> Option<PreKeyUpload> {
        let remaining = Remaining { one_time: Some(remaining), kyber: Some(remaining) };
        let ours = OurIdentity { key: &self.identity, registration_id: 1 };
        let device = DeviceId::new(1).unwrap();
        self.stock.refresh((ours, device), remaining, now_ms, &mut self.random).unwrap()
    }

    fn upload(&mut self) -> PreKeyUpload {
        let ours = OurIdentity { key: &self.identity, registration_id: 1 };
        let device = DeviceId::new(1).unwrap();
        self.stock.upload((ours, device), START, &mut self.random).unwrap()
    }

    fn reserve(&mut self) -> PreKeyBundle {
        let ours = OurIdentity { key: &self.identity, registration_id: 1 };
        self.stock.reserve(ours, DeviceId::new(1).unwrap(), &mut self.random).unwrap()
    }

    pub(super) fn restarted(&self) -> PreKeyStock {
        let mut out = Vec::new();
        self.stock.encode(&mut out);
        assert_eq!(self.stock.encoded_len(), out.len());
        PreKeyStock::decode(&out).unwrap()
    }

    pub(super) fn finds(&self, ids: (Option<u32>, u32, u32), now_ms: u64) -> Result<(), Error> {
        self.stock.at(now_ms).find(&outer(ids, &self.identity)).map(|_| ())
    }
}

pub(super) fn outer(
    (one_time_id, signed_id, kyber_id): (Option<u32>, u32, u32),
    key: &x25519::PrivateKey,
) -> Outer<'static> {
    Outer {
        one_time_id,
        base_key: *key.public(),
        identity_key: *key.public(),
        registration_id: 1,
        signed_id,
        kyber_id,
        kyber_ciphertext: &[0; kyber1024::CIPHERTEXT_LEN],
    }
}

#[test]
fn the_stored_form_is_exactly_as_long_as_was_reserved_for_it() {
    let mut world = World::new();
    world.stock.last_resort.current.reuses.push([0; 16]);
    for expected in 0..3 {
        assert_eq!(expected, world.restarted().reserved_len());
        world.reserve();
    }
    world.upload();
    world.refresh(0, START + 2 * DAY).unwrap();
    let restarted = world.restarted();
    assert_eq!(1, restarted.signed.retired.len());
    assert_eq!(START + 2 * DAY, restarted.signed.since_ms);
    assert_eq!([[0; 16]], restarted.last_resort.retired[0].key.reuses[..]);
    assert_eq!(200, restarted.one_time_kyber.offered.len());
}

#[test]
fn keys_are_replaced_at_two_days_and_not_before() {
    for (now_ms, due) in [
        (START, false),
        (START + 2 * DAY - 1, false),
        (START + 2 * DAY, true),
        (START + 2 * DAY + 1, true),
        (START - 2 * DAY + 1, false),
        (START - 2 * DAY, true),
    ] {
        let mut world = World::new();
        let upload = world.refresh(TARGET, now_ms);
        assert_eq!(due, upload.is_some());
        assert_eq!(due, world.stock.signed.current.id != 1);
        assert_eq!(due, world.stock.last_resort.current.key.id != 2);
    }
}

#[test]
fn a_replaced_key_opens_for_30_days() {
    let mut world = World::new();
    let retired = START + 2 * DAY;
    world.refresh(TARGET, retired).unwrap();

    for now_ms in [retired, retired + 30 * DAY - 1, retired + 30 * DAY] {
        assert_eq!(Ok(()), world.finds((None, 1, 2), now_ms));
    }
    assert_eq!(Err(Error::UnknownPreKey), world.finds((None, 1, 2), retired + 30 * DAY + 1));
    assert_eq!(Ok(()), world.finds((None, 3, 4), retired + 30 * DAY + 1));
}

#[test]
fn a_replaced_key_is_deleted_after_30_days_and_named() {
    let mut world = World::new();
    let retired = START + 2 * DAY;
    world.refresh(TARGET, retired).unwrap();

    assert_eq!(Vec::<u32>::new(), world.stock.forget_expired(retired + 30 * DAY));
    let upload = world.refresh(TARGET, retired + 30 * DAY + 1).unwrap();

    assert_eq!(vec![1, 2], upload.gone);
    assert_eq!(1, world.stock.signed.retired.len());
    assert_eq!(Err(Error::UnknownPreKey), world.finds((None, 1, 2), retired));
}

#[test]
fn a_clock_that_runs_backwards_deletes_nothing_and_keeps_no_more_than_the_limit() {
    let mut world = World::new();
    for turn in 0..40 {
        let now_ms = if turn % 2 == 0 { START - 9 * DAY } else { START };
        world.refresh(TARGET, now_ms).unwrap();
    }
    assert_eq!(MAX_RETIRED, world.stock.signed.retired.len());
    assert_eq!(MAX_RETIRED, world.restarted().last_resort.retired.len());
}

#[test]
fn one_time_keys_are_made_below_the_low_water_mark() {
    for (remaining, made) in [(0, 100), (9, 91), (10, 0), (11, 0), (100, 0), (1_000, 0)] {
        let mut world = World::new();
        let upload = world.refresh(remaining, START);
        assert_eq!(made > 0, upload.is_some());
        let count = upload.map_or(0, |upload| {
            assert_eq!(upload.one_time.len(), upload.one_time_kyber.len());
            upload.one_time.len()
        });
        assert_eq!(made, count);
    }
}

#[test]
fn without_a_count_of_the_server_unused_keys_are_counted() {
    let mut world = World::new();
    let uploaded = world.upload();
    let ours = OurIdentity { key: &world.identity, registration_id: 1 };
    let owner = (ours, DeviceId::new(1).unwrap());
    for key in &uploaded.one_time[..90] {
        world.stock.one_time.remove(key.id);
    }
    let unknown = Remaining::default();
    assert_eq!(Ok(None), world.stock.refresh(owner, unknown, START, &mut world.random));

    world.stock.one_time.remove(uploaded.one_time[90].id);
    let more = world.stock.refresh(owner, unknown, START, &mut world.random).unwrap().unwrap();
    assert_eq!((91, 0), (more.one_time.len(), more.one_time_kyber.len()));
}

#[test]
fn no_number_comes_twice_over_restarts() {
    let mut world = World::new();
    let mut seen = vec![1, 2];
    for turn in 0..5 {
        let bundle = world.reserve();
        seen.extend([bundle.one_time.unwrap().id, bundle.kyber_id]);
        let upload = world.refresh(0, START + turn * 2 * DAY).unwrap();
        seen.extend(upload.one_time.iter().map(|key| key.id));
        seen.extend(upload.one_time_kyber.iter().map(|key| key.id));
        if turn > 0 {
            seen.extend([upload.signed.id, upload.last_resort.id]);
        }
        world.stock = world.restarted();
    }
    let total = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(total, seen.len());
}

#[test]
fn only_the_newest_keys_that_were_given_away_take_the_room_of_expanded_ones() {
    let mut world = World::new();
    let expanded = |stock: &PreKeyStock| {
        let pool = &stock.one_time_kyber;
        let keys = pool.reserved.iter().chain(&pool.offered).map(|numbered| &numbered.key);
        let kept = |key: &kyber1024::DecapsulationKey| {
            matches!(key, kyber1024::DecapsulationKey::Seed { expanded: Some(_), .. })
        };
        keys.map(kept).collect::<Vec<_>>()
    };

    for _ in 0..EXPANDED_KEPT + 3 {
        world.reserve();
    }
    world.upload();

    let offered = world.stock.one_time_kyber.offered.len();
    let expected = [vec![false; 3], vec![true; EXPANDED_KEPT], vec![false; offered]].concat();
    assert!(offered > 0);
    assert_eq!(expected, expanded(&world.stock));
    assert!(!expanded(&world.restarted()).contains(&true));
}

#[test]
fn the_numbers_end_at_24_bits_and_an_error_changes_nothing() {
    let mut world = World::new();
    world.stock.next_id = MAX_ID - 1;
    let last = world.reserve();
    assert_eq!((MAX_ID - 1, MAX_ID), (last.one_time.unwrap().id, last.kyber_id));
    let ours = OurIdentity { key: &world.identity, registration_id: 1 };
    let device = DeviceId::new(1).unwrap();

    let refused = world.stock.reserve(ours, device, &mut world.random);
    assert_eq!(Some(Error::Exhausted), refused.err());
    let refused = world.stock.upload((ours, device), START, &mut world.random);
    assert_eq!(Some(Error::Exhausted), refused.err());
    assert_eq!(1, world.stock.reserved_len());
    assert_eq!(0, world.stock.one_time.offered.len());
}

#[test]
fn without_randomness_nothing_changes() {
    let mut world = World::new();
    let before = world.stock.encoded_len();
    let ours = OurIdentity { key: &world.identity, registration_id: 1 };
    let owner = (ours, DeviceId::new(1).unwrap());
    let later = START + 3 * DAY;

    let refused = world.stock.refresh(owner, Remaining::default(), later, &mut Fails);

    assert_eq!(Err(Error::RandomUnavailable), refused);
    assert_eq!((before, 3), (world.stock.encoded_len(), world.stock.next_id));
}

#[test]
fn whoever_fetches_all_offered_keys_does_not_drive_out_reserved_ones() {
    let mut world = World::new();
    let bundle = world.reserve();
    let mut gone = Vec::new();
    for _ in 0..=MAX_OFFERED / TARGET {
        gone.extend(world.refresh(0, START).unwrap().gone);
    }
    assert_eq!(2 * TARGET, gone.len());
    assert_eq!(MAX_OFFERED, world.stock.one_time.offered.len());
    let ids = (bundle.one_time.map(|key| key.id), 1, bundle.kyber_id);
    assert_eq!(Ok(()), world.finds(ids, START));
    assert!(gone.iter().all(|id| world.finds((Some(*id), 1, 2), START).is_err()));
}

#[test]
fn a_used_key_is_gone_and_the_other_kind_stays() {
    let mut world = World::new();
    let uploaded = world.upload();
    let (one_time, kyber) = (uploaded.one_time[3].id, uploaded.one_time_kyber[5].id);
    assert_eq!(Ok(()), world.finds((Some(one_time), 1, kyber), START));

    world.stock.consume(&UsedPreKeys::of(&outer((Some(one_time), 1, kyber), &world.identity)));

    assert_eq!(Err(Error::UnknownPreKey), world.finds((Some(one_time), 1, 2), START));
    assert_eq!(Err(Error::UnknownPreKey), world.finds((None, 1, kyber), START));
    assert_eq!(Ok(()), world.finds((Some(uploaded.one_time[5].id), 1, 2), START));
    // A number of one kind names nothing of another.
    assert_eq!(Err(Error::UnknownPreKey), world.finds((Some(kyber), 1, 2), START));
}

#[test]
fn a_last_resort_key_remembers_its_sessions_also_when_it_is_replaced() {
    let mut world = World::new();
    world.refresh(TARGET, START + 2 * DAY).unwrap();
    world.stock.consume(&UsedPreKeys::of(&outer((None, 1, 2), &world.identity)));
    world.stock = world.restarted();

    assert_eq!(Err(Error::Duplicate), world.finds((None, 1, 2), START));
    assert_eq!(Ok(()), world.finds((None, 3, 2), START));
    assert_eq!(Ok(()), world.finds((None, 3, 4), START));
}

#[test]
fn a_last_resort_key_takes_a_limited_number_of_sessions_and_is_replaced_before() {
    let mut world = World::new();
    let reuses = |number| vec![[7; 16]; number];
    world.stock.last_resort.current.reuses = reuses(MAX_REUSES / 2 - 1);
    assert_eq!(None, world.refresh(TARGET, START));
    world.stock.last_resort.current.reuses = reuses(MAX_REUSES - 1);
    assert_eq!(Ok(()), world.finds((None, 1, 2), START));
    world.stock.last_resort.current.reuses = reuses(MAX_REUSES);
    assert_eq!(Err(Error::Exhausted), world.finds((None, 1, 2), START));

    let upload = world.refresh(TARGET, START).unwrap();

    assert_eq!((1, 3), (upload.signed.id, upload.last_resort.id));
    assert_eq!(Ok(()), world.finds((None, 1, 3), START));
}

#[test]
fn renewal_destroys_one_time_keys_and_passes_over_numbers() {
    let mut world = World::new();
    let (bundle, upload) = (world.reserve(), world.upload());
    let one_time = bundle.one_time.unwrap().id;
    let offered = upload.one_time[0].id;
    let (signed, last) = (upload.signed.id, upload.last_resort.id);
    let next = world.stock.next_id;

    world.stock.renew(&world.identity, START, &mut world.random).unwrap();

    for gone in [one_time, offered] {
        assert_eq!(Err(Error::UnknownPreKey), world.finds((Some(gone), signed, last), START));
    }
    assert_eq!(Err(Error::UnknownPreKey), world.finds((None, signed, bundle.kyber_id), START));
    assert_eq!(Ok(()), world.finds((None, signed, last), START + KEPT_MS));
    assert_eq!(Err(Error::UnknownPreKey), world.finds((None, signed, last), START + KEPT_MS + 1));
    let first = world.stock.signed.current.id;
    assert_eq!(next + (MAX_ID - next) / 16, first);
    world.stock = world.restarted();
    assert_eq!(first + 2, world.reserve().one_time.unwrap().id);
}

#[test]
fn renewal_can_be_repeated_and_keeps_what_can_be_stored() {
    let mut world = World::new();

    for _ in 0..MAX_RETIRED + 8 {
        world.stock.renew(&world.identity, START, &mut world.random).unwrap();
        world.stock = world.restarted();
    }

    assert_eq!(MAX_RETIRED, world.stock.signed.retired.len());
    assert!(world.stock.next_id < MAX_ID - 100_000);
}

#[test]
fn renewal_without_randomness_changes_nothing() {
    let mut world = World::new();
    _ = world.reserve();
    let encoded = |stock: &PreKeyStock| {
        let mut out = Vec::new();
        stock.encode(&mut out);
        out
    };
    let before = encoded(&world.stock);

    let refused = world.stock.renew(&world.identity, START, &mut Fails);

    assert_eq!(Err(Error::RandomUnavailable), refused);
    assert_eq!(before, encoded(&world.stock));
}
