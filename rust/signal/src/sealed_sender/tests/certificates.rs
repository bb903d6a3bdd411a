// SPDX-License-Identifier: MIT OR Apache-2.0
//! Certificates, what holds their keys, and contents (signal.md §10.1 and §10.2).

use super::*;

#[test]
fn a_signer_is_found_by_its_id_and_a_sender_may_be_bytes() {
    let world = world();
    let (root, server) = World::server(3);
    let key = encode_ec(world.alice.public());
    let certificate = World::signed(&fields(&key, &[0xab; 16], 3));
    let certificate = SenderCertificate::decode(&certificate).unwrap();
    let signers = [World::server(2).1, server];
    let verdict = |roots: &[x25519::PublicKey], signers: &[ServerCertificate], revoked: &[u32]| {
        certificate.validate(&TrustAnchors { roots, signers, revoked }, EXPIRES_MS)
    };
    let other = *world.root.public_key();

    assert_eq!("abababab-abab-abab-abab-abababababab", certificate.sender().to_string());
    assert_eq!(Ok(()), verdict(&[root], &signers, &[]));
    assert_eq!(Ok(()), verdict(&[other, root], &signers, &[2]));
    assert_eq!(Ok(()), verdict(&[root, other], &signers, &[]));
    assert_eq!(Err(Error::InvalidCertificate), verdict(&[], &signers, &[]));
    assert_eq!(Err(Error::InvalidCertificate), verdict(&[other], &signers, &[]));
    assert_eq!(Err(Error::InvalidCertificate), verdict(&[root], &signers, &[3]));
    assert_eq!(Err(Error::InvalidCertificate), verdict(&[root], &signers[..1], &[]));
    assert_eq!(Err(Error::InvalidCertificate), verdict(&[root], &[], &[]));
}

#[test]
fn the_id_that_is_revoked_for_ever_is_refused() {
    let world = world();
    let (root, server) = World::server(REVOKED_ID);
    let key = encode_ec(world.alice.public());
    let certificate = World::signed(&fields(&key, &[1; 16], REVOKED_ID));
    let certificate = SenderCertificate::decode(&certificate).unwrap();
    let anchors = TrustAnchors { roots: &[root], signers: &[server], revoked: &[] };

    assert_eq!(Err(Error::InvalidCertificate), certificate.validate(&anchors, 0));
    let refused = world.root.server_signer(REVOKED_ID, &mut Counting(1));
    assert_eq!(Err(Error::InvalidArgument), refused.map(|_| ()));
}

#[test]
fn a_certificate_is_valid_until_its_last_millisecond() {
    let world = world();
    let certificate = world.certificate();
    let anchors = TrustAnchors { roots: &[*world.root.public_key()], signers: &[], revoked: &[] };

    assert_eq!(Ok(()), certificate.validate(&anchors, EXPIRES_MS - 1));
    assert_eq!(Ok(()), certificate.validate(&anchors, EXPIRES_MS));
    let late = certificate.validate(&anchors, EXPIRES_MS + 1);
    assert_eq!(Err(Error::InvalidCertificate), late);
}

#[test]
fn every_flipped_bit_of_a_certificate_is_refused() {
    let world = world();
    let encoded = world.certificate().encode();
    let anchors = TrustAnchors { roots: &[*world.root.public_key()], signers: &[], revoked: &[] };

    for bit in 0..encoded.len() * 8 {
        let mut altered = encoded.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let verdict = SenderCertificate::decode(&altered)
            .and_then(|certificate| certificate.validate(&anchors, 0));
        assert!(verdict.is_err(), "bit {bit}");
    }
}

#[test]
fn every_truncation_of_a_certificate_is_malformed() {
    let encoded = world().certificate().encode();

    for length in 0..encoded.len() {
        let verdict = SenderCertificate::decode(&encoded[..length]).map(|_| ());
        assert_eq!(Err(Error::Malformed), verdict, "{length}");
    }
}

#[test]
fn fields_that_are_missing_doubled_or_exclude_each_other_are_malformed() {
    let world = world();
    let key = encode_ec(world.alice.public());
    let whole = fields(&key, &[1; 16], 3);
    let malformed = |fields: &[(u32, Field<'_>)]| {
        SenderCertificate::decode(&World::signed(fields)).map(|_| ()) == Err(Error::Malformed)
    };
    let server = World::server(3).1.encode();
    let pni = format!("PNI:{ALICE}");

    assert!(SenderCertificate::decode(&World::signed(&whole)).is_ok());
    for position in 0..whole.len() {
        let mut fewer = whole.clone();
        let field = fewer.remove(position);
        assert!(malformed(&fewer), "without field {}", field.0);
        assert!(malformed(&[&whole[..], &[field]].concat()), "twice field {}", field.0);
    }
    assert!(malformed(&[&whole[..], &[(5, Field::Bytes(&server))]].concat()));
    assert!(malformed(&[&whole[..], &[(6, Field::Bytes(ALICE.as_bytes()))]].concat()));
    assert!(malformed(&[&whole[..], &[(1, Field::Bytes(&[0xff]))]].concat()));
    for (position, field) in [
        (0, Field::Number(0)),
        (0, Field::Number(128)),
        (1, Field::Number(5)),
        (3, Field::Bytes(&[1; 15])),
        (3, Field::Bytes(&[1; 17])),
    ] {
        let mut other = whole.clone();
        other[position].1 = field;
        assert!(malformed(&other), "field {}", other[position].0);
    }
    for name in [&b"alice"[..], pni.as_bytes(), &[0xff; 36]] {
        let mut other = whole.clone();
        other[3] = (6, Field::Bytes(name));
        assert!(malformed(&other), "{name:?}");
    }
}

#[test]
fn an_identity_key_has_one_form() {
    let world = world();
    let mut key = encode_ec(world.alice.public());
    key[32] |= 0x80;

    let verdict = SenderCertificate::decode(&World::signed(&fields(&key, &[1; 16], 3)));

    assert_eq!(Err(Error::InvalidKey), verdict.map(|_| ()));
}

#[test]
fn only_accounts_and_phone_numbers_are_certified() {
    let world = world();
    let issue = |subject: Subject<'_>| {
        world.signer.issue(&subject, &mut Counting(1)).map(|certificate| certificate.encode().len())
    };
    let subject = world.subject();
    let with = |e164| Subject { e164, ..subject };

    assert!(issue(with(None)).is_ok());
    assert!(issue(with(Some("+1"))).is_ok());
    assert!(issue(with(Some("+123456789012345"))).is_ok());
    for number in ["", "+", "123", "+1234567890123456", "+12 34", "+\u{661}"] {
        assert_eq!(Err(Error::InvalidArgument), issue(with(Some(number))), "{number}");
    }
    let service_id = ServiceId::new(ServiceIdKind::PhoneNumber, [1; 16]);
    assert_eq!(Err(Error::InvalidArgument), issue(Subject { service_id, ..subject }));
}

#[test]
fn roots_and_signers_survive_their_records_and_no_others() {
    let mut world = world();
    let sealer = Sealer::standalone(Secret::new([5; 32]));
    let mut random = Counting(0);
    let root = world.root.seal(&sealer, &mut random).unwrap();
    let signer = world.signer.seal(&sealer, &mut random).unwrap();
    let corruption = Some(Failure::Store(StoreError::Corruption));

    let opened = TrustRoot::open(&sealer, 1, &root).unwrap();
    assert_eq!((world.root.public_key(), 1), (opened.public_key(), opened.revision()));
    let opened = ServerSigner::open(&sealer, 1, &signer).unwrap();
    assert_eq!(world.certificate().encode(), {
        let certificate = opened.issue(&world.subject(), &mut Counting(100)).unwrap();
        certificate.encode()
    });
    assert_eq!(corruption, TrustRoot::open(&sealer, 2, &root).err());
    assert_eq!(corruption, TrustRoot::open(&sealer, 1, &signer).err());
    assert_eq!(corruption, ServerSigner::open(&sealer, 1, &root).err());
}

#[test]
fn content_keeps_every_field_and_refuses_what_is_missing_doubled_or_unknown() {
    let world = world();
    let encoded = World::content(world.certificate()).encode();
    let certificate = world.certificate().encode();
    let decoded = Content::decode(encoded.expose()).unwrap();
    let whole =
        [(1, Field::Number(2)), (2, Field::Bytes(&certificate)), (3, Field::Bytes(b"message"))];
    let decode = |fields: &[(u32, Field<'_>)]| Content::decode(&body(fields)).map(|_| ());

    assert_eq!((Hint::Other(9), vec![1, 2]), (decoded.hint, decoded.group_id));
    assert_eq!(Ok(()), decode(&whole));
    assert_eq!(Ok(()), decode(&[&whole[..], &[(9, Field::Number(1))]].concat()));
    for position in 0..3 {
        let mut fewer = whole.to_vec();
        let field = fewer.remove(position);
        assert_eq!(Err(Error::Malformed), decode(&fewer));
        assert_eq!(Err(Error::Malformed), decode(&[&whole[..], &[field]].concat()));
    }
    for kind in [0, 3, 4, 6, 9] {
        let other = [(1, Field::Number(kind)), whole[1], whole[2]];
        assert_eq!(Err(Error::Malformed), decode(&other), "{kind}");
    }
}
