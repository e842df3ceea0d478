//! Properties of reading and writing: nothing from a peer panics, and what is written can be read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use hither_wire::lock::Response;
use hither_wire::message::{
    Accept, Application, Ask, ContactAction, Credential, Data, Hello, InvitationsFrom, Invite, SettingsChange, SignIn,
    Stage,
};
use hither_wire::{
    Address, ClientFrame, Code, Guid, PersonName, Request, Status, account, decode_client, decode_server, limits,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

fn boxed(max_bytes: usize) -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_filter("within the limit", move |text| text.len() <= max_bytes).prop_map(Into::into)
}

fn integer() -> impl Strategy<Value = u64> {
    prop_oneof![0..100u64, 0..=limits::INTEGER]
}

fn guid() -> impl Strategy<Value = Guid> {
    any::<u128>().prop_map(Guid)
}

fn code() -> impl Strategy<Value = Code> {
    any::<u32>().prop_map(Code)
}

fn person() -> impl Strategy<Value = PersonName> {
    "[a-z0-9._-]{1,40}@[a-z0-9.-]{1,40}".prop_map(|name| PersonName::parse(&name).unwrap())
}

fn data() -> impl Strategy<Value = Option<Data>> {
    any::<String>().prop_map(|text| Data::text(&text))
}

fn address() -> impl Strategy<Value = Option<Address>> {
    let text = prop_oneof![
        any::<std::net::IpAddr>().prop_map(|ip| ip.to_string()),
        any::<std::net::SocketAddr>().prop_map(|socket| socket.to_string()),
    ];
    option::of(text.prop_map(|text| Address::parse(&text).unwrap()))
}

fn status() -> impl Strategy<Value = Status> {
    select(Status::CHOICES.to_vec())
}

fn hello() -> impl Strategy<Value = Request> {
    let versions = prop::collection::vec(any::<u32>(), 0..=limits::VERSIONS);
    let capabilities = prop::collection::vec(boxed(limits::CAPABILITY_BYTES), 0..=limits::CAPABILITIES);
    (versions, option::of(boxed(limits::CLIENT_NAME_BYTES)), capabilities)
        .prop_map(|(versions, client, capabilities)| Request::Hello(Hello { versions, client, capabilities }))
}

fn sign_in() -> impl Strategy<Value = Request> {
    let by = |user, credential| SignIn { user, credential, device: None, epoch: None, device_key: None, status: None };
    let who = prop_oneof![
        (person(), boxed(limits::PASSWORD_BYTES))
            .prop_map(move |(user, password)| by(Some(user), Credential::Password(password))),
        (option::of(person()), boxed(limits::TOKEN_BYTES))
            .prop_map(move |(user, token)| by(user, Credential::Token(token))),
    ];
    (who, option::of(guid()), option::of(boxed(limits::DEVICE_KEY_BYTES)), option::of(status())).prop_map(
        |(who, device, device_key, status)| Request::SignIn(Box::new(SignIn { device, device_key, status, ..who })),
    )
}

fn application() -> impl Strategy<Value = Application> {
    (guid(), boxed(limits::APP_NAME_UNITS), boxed(limits::APP_URL_UNITS), any::<bool>())
        .prop_map(|(guid, name, url, launch_only)| Application { guid, name, url, launch_only })
}

fn invite() -> impl Strategy<Value = Request> {
    let material = option::of(boxed(limits::MATERIAL_BYTES));
    let short = data().prop_filter("fits", |data| {
        data.as_ref().and_then(Data::as_text).is_none_or(|text| text.encode_utf16().count() <= limits::APP_DATA_UNITS)
    });
    (guid(), person(), application(), short, address(), material, option::of(integer()), any::<bool>()).prop_map(
        |(session, to, app, data, address, material, ring_ms, attach)| {
            Request::Invite(Box::new(Invite { session, to, app, data, address, material, ring_ms, attach }))
        },
    )
}

fn accept() -> impl Strategy<Value = Request> {
    (guid(), data(), address(), option::of(boxed(limits::MATERIAL_BYTES)), any::<bool>()).prop_map(
        |(session, data, address, material, attach)| {
            Request::Accept(Box::new(Accept { session, data, address, material, attach }))
        },
    )
}

fn progress() -> impl Strategy<Value = Request> {
    let known = [
        Stage::Delivered,
        Stage::Ringing,
        Stage::Installing,
        Stage::Launching,
        Stage::Launched,
        Stage::Attached,
        Stage::LaunchFailed,
    ];
    (guid(), select(known.to_vec()), option::of(code())).prop_map(|(session, stage, code)| Request::Progress {
        session,
        stage,
        code,
    })
}

fn settings() -> impl Strategy<Value = Request> {
    let invitations = option::of(select(vec![InvitationsFrom::Contacts, InvitationsFrom::Anyone]));
    (invitations, option::of(any::<bool>()))
        .prop_map(|(invitations, show_declines)| Request::Settings(SettingsChange { invitations, show_declines }))
}

fn response() -> impl Strategy<Value = Request> {
    let filled = |max| boxed(max).prop_filter("not empty", |text| !text.is_empty());
    (filled(limits::APP_ID_BYTES), filled(limits::RESPONSE_BYTES), any::<u32>())
        .prop_map(|(app_id, response, cookie)| Request::Response(Box::new(Response { app_id, response, cookie })))
}

fn account() -> impl Strategy<Value = account::Request> {
    prop_oneof![
        ("[ -~]{0,512}", "[ -~]{8,512}").prop_map(|(old, new)| {
            account::Request::Password(account::NewPassword { old: old.into(), new: new.into() })
        }),
        "[ -~]{0,4096}".prop_map(|token| account::Request::Renew(account::Token(token.into()))),
        Just(account::Request::Devices),
        guid().prop_map(|device| account::Request::RemoveDevice { device }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        hello(),
        sign_in(),
        any::<bool>().prop_map(|revoke| Request::SignOut { revoke }),
        Just(Request::Ping),
        invite(),
        accept(),
        (guid(), data()).prop_map(|(session, data)| Request::Decline { session, data }),
        guid().prop_map(|session| Request::Ignore { session }),
        (guid(), code(), data()).prop_map(|(session, hr, data)| Request::Cancel { session, hr, data }),
        guid().prop_map(|session| Request::Attach { session }),
        (guid(), data().prop_filter_map("not empty", |data| data))
            .prop_map(|(session, data)| Request::Context { session, data }),
        progress(),
        status().prop_map(|status| Request::SetStatus { status }),
        Just(Request::Contacts),
        (select(ContactAction::ALL.to_vec()), person()).prop_map(|(action, who)| Request::Contact { action, who }),
        settings(),
        any::<u32>().prop_map(|cookie| Request::Challenge { cookie }),
        response(),
        Just(Request::Release),
        account().prop_map(|request| Request::Account(Box::new(request))),
    ]
}

fn frame() -> impl Strategy<Value = ClientFrame> {
    let ask = (integer(), option::of(boxed(limits::KEY_BYTES)), option::of(boxed(limits::OBJECT_BYTES)), request())
        .prop_map(|(id, key, object, request)| Ask { id, key, object, request });
    (option::of(integer()), ask).prop_map(|(ack, ask)| ClientFrame { ack, ask: Some(ask) })
}

proptest! {
    #[test]
    fn a_request_that_is_written_can_be_read(frame in frame()) {
        prop_assert_eq!(decode_client(&frame.encode()).unwrap(), frame);
    }

    #[test]
    fn rubbish_is_refused(text in any::<String>()) {
        prop_assert!(decode_client(&text).is_err());
        prop_assert!(decode_server(&text).is_err());
    }

    #[test]
    fn a_damaged_frame_does_no_harm(frame in frame(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut damaged: Vec<char> = frame.encode().chars().collect();
        let at = at.index(damaged.len());
        damaged[at] = with;
        let damaged: String = damaged.into_iter().collect();
        if let Err(refused) = decode_client(&damaged) {
            prop_assert!(refused.code.is_failure() && !refused.message.is_empty());
        }
        let cut: String = damaged.chars().take(at).collect();
        prop_assert!(decode_client(&cut).is_err());
    }
}

#[test]
fn the_largest_invitation_fits_a_frame() {
    // A control character takes six bytes of JSON, more than anything else.
    let nul = |length| "\0".repeat(length);
    let invite = Invite {
        session: Guid(u128::MAX),
        to: PersonName::parse(&format!("{}@x", "\u{20ac}".repeat(limits::SIGNIN_NAME_UNITS - 2))).unwrap(),
        app: Application {
            guid: Guid(u128::MAX),
            name: nul(limits::APP_NAME_UNITS).into(),
            url: nul(limits::APP_URL_UNITS).into(),
            launch_only: true,
        },
        data: Data::text(&nul(limits::APP_DATA_UNITS)),
        address: Some(Address::parse("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535").unwrap()),
        material: Some(nul(limits::MATERIAL_BYTES).into()),
        ring_ms: Some(limits::INTEGER),
        attach: true,
    };
    let ask = Ask {
        id: limits::INTEGER,
        key: Some(nul(limits::KEY_BYTES).into()),
        object: Some(nul(limits::OBJECT_BYTES).into()),
        request: Request::Invite(Box::new(invite)),
    };
    let frame = ClientFrame { ack: Some(limits::INTEGER), ask: Some(ask) };
    assert!(frame.encode().len() <= limits::CLIENT_FRAME_BYTES);
    assert_eq!(decode_client(&frame.encode()).unwrap(), frame);
}
