//! The machine against its policy: every state, role and call, by really getting there.

use hither_wire::message::{Application, Data, Event, How, Invite, Stage};
use hither_wire::{Code, DeviceId, Guid, PersonName, Role, State};

use super::policy::{Call, Verdict, policy};
use super::{Card, Move, Session, Tell, Times};

const ALICE: DeviceId = Guid(1);
const BOB: DeviceId = Guid(2);
const BOB_TOO: DeviceId = Guid(3);
const TIMES: Times = Times { ring_ms: 60_000, connect_ms: 50_000, longest_ms: 1_000_000, install_ms: 600_000 };

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

fn ringing(launch_only: bool, masked: bool) -> Session {
    let app = Application { guid: Guid(7), name: "Chess".into(), url: "".into(), launch_only };
    let invite = Invite {
        session: Guid(9),
        to: name("bob@x"),
        app: app.clone(),
        data: Data::text("hi"),
        address: None,
        material: None,
        ring_ms: None,
        attach: false,
    };
    let card = Card {
        id: Guid(9),
        inviter: name("alice@x"),
        inviter_name: "Alice".into(),
        device: ALICE,
        invitee: name("bob@x"),
        app,
        known: !masked,
        masked,
    };
    let mut session = Session::new(0, card, &invite, TIMES);
    assert!(session.ring(0, BOB).is_some());
    session
}

fn device(role: Role) -> DeviceId {
    match role {
        Role::Inviter => ALICE,
        Role::Invitee => BOB,
    }
}

fn accept(attach: bool) -> Move {
    Move::Accept { data: Data::text("yes"), address: None, material: None, attach }
}

fn context(text: &str) -> Move {
    Move::Context { data: Data::Text(text.into()), room: true }
}

fn apply(session: &mut Session, role: Role, what: Move) -> Vec<Tell> {
    let (code, tells) = session.handle(1, role, device(role), what);
    assert_eq!(code, Code::S_OK);
    tells
}

/// A session in each state that the service knows, with each party attached or not where it matters.
fn in_state(state: State, attached: &[Role], launch_only: bool) -> Session {
    let mut session = ringing(launch_only, false);
    for role in attached {
        apply(&mut session, *role, Move::Attach);
    }
    match state {
        State::Invitation => {}
        State::Accepted => drop(apply(&mut session, Role::Invitee, accept(false))),
        State::Connected => {
            apply(&mut session, Role::Invitee, accept(true));
            if !attached.contains(&Role::Inviter) {
                apply(&mut session, Role::Inviter, Move::Attach);
            }
        }
        State::Terminated => drop(apply(&mut session, Role::Inviter, Move::Cancel(Code::S_OK, None))),
        State::Unknown | State::Ready | State::Cancelled | State::Declined => unreachable!("not at the service"),
    }
    session
}

fn as_move(call: Call) -> Option<Move> {
    Some(match call {
        Call::Accept => accept(false),
        Call::Decline => Move::Decline(None),
        Call::Ignore => Move::Ignore,
        Call::Cancel => Move::Cancel(Code::S_OK, None),
        Call::Attach { .. } => Move::Attach,
        Call::Progress => Move::Progress(Stage::Ringing, None),
        Call::Context { .. } => context("x"),
        Call::SetApplication | Call::SetLocalAddress | Call::Invite => return None,
    })
}

#[test]
fn every_cell_of_the_policy_holds_in_the_machine() {
    for state in [State::Invitation, State::Accepted, State::Connected, State::Terminated] {
        for role in Role::ALL {
            for call in Call::ALL {
                let Some(what) = as_move(call) else { continue };
                let again = call == Call::Attach { again: true };
                if again && state == State::Terminated {
                    continue;
                }
                let launch_only = call == Call::Context { launch_only: true };
                let attached: &[Role] = if again { &[role] } else { &[] };
                let mut session = in_state(state, attached, launch_only);
                assert_eq!(session.state(role, device(role)), state);

                let (code, tells) = session.handle(2, role, device(role), what);
                let after = session.state(role, device(role));
                match policy(state, role, call) {
                    Verdict::Refuse(expected) => {
                        assert_eq!((code, after), (expected, state), "{state} {role} {call:?}");
                    }
                    Verdict::AlreadySo => assert_eq!((code, after), (Code::S_FALSE, state), "{state} {role} {call:?}"),
                    Verdict::Apply | Verdict::AsDecline => assert_eq!(code, Code::S_OK, "{state} {role} {call:?}"),
                }
                assert!(code == Code::S_OK || tells.is_empty(), "a refusal tells nobody anything");
                assert_eq!(
                    session.state(Role::Inviter, ALICE),
                    session.state(Role::Invitee, BOB),
                    "both parties are in the same state"
                );
            }
        }
    }
}

fn ended(tells: &[Tell], device: DeviceId) -> (How, Code, Option<String>) {
    let mut found = tells.iter().filter(|tell| tell.device == device).filter_map(|tell| match &tell.event {
        Event::Ended(ended) => {
            Some((ended.how, ended.code, ended.data.as_ref().and_then(Data::as_text).map(ToOwned::to_owned)))
        }
        _ => None,
    });
    let first = found.next().expect("the device is told of the end");
    assert!(found.next().is_none(), "and told once");
    first
}

#[test]
fn the_reason_of_a_cancel() {
    use Code as C;
    let failure = Code(0x8123_4567);
    for (state, hr, local, remote) in [
        (State::Invitation, C::S_OK, C::SR_CANCEL_BEFORE_CONNECT, C::SR_CANCEL_BEFORE_CONNECT),
        (State::Accepted, Code(5), C::SR_CANCEL_BEFORE_CONNECT, C::SR_CANCEL_BEFORE_CONNECT),
        (State::Connected, C::S_FALSE, C::SR_SESSION_CANCELLED_LOCAL, C::SR_SESSION_CANCELLED_REMOTE),
        (State::Connected, failure, failure, failure),
        (State::Invitation, failure, failure, failure),
    ] {
        let mut session = in_state(state, &[], false);
        let tells = apply(&mut session, Role::Inviter, Move::Cancel(hr, Data::text("bye")));
        assert_eq!(ended(&tells, ALICE), (How::Cancelled, local, Some("bye".into())));
        assert_eq!(ended(&tells, BOB), (How::Cancelled, remote, Some("bye".into())));
    }
}

#[test]
fn the_invitees_cancel_of_an_invitation_is_a_decline() {
    let mut session = ringing(false, false);
    let tells = apply(&mut session, Role::Invitee, Move::Cancel(Code(0x8123_4567), Data::text("no")));
    let expected = (How::Declined, Code::SR_INVITATION_DECLINED, Some("no".to_owned()));
    assert_eq!((ended(&tells, ALICE), ended(&tells, BOB)), (expected.clone(), expected));
}

#[test]
fn five_from_each_party_and_refused_calls_do_not_count() {
    let mut session = in_state(State::Connected, &[], false);
    let long = "x".repeat(301);
    for role in Role::ALL {
        for _ in 0..5 {
            assert_eq!(session.handle(2, role, device(role), context(&long)).0, Code::SR_CONTEXT_DATA_OVER_LIMIT);
            let full = Move::Context { data: Data::Text("x".into()), room: false };
            assert_eq!(session.handle(2, role, device(role), full).0, Code::E_OUTOFMEMORY);
            let tells = apply(&mut session, role, context(&"\u{1F600}".repeat(150)));
            assert_eq!((tells.len(), tells[0].to), (1, role.other()));
        }
        assert_eq!(session.handle(2, role, device(role), context("x")).0, Code::SR_CONTEXT_DATA_OVER_LIMIT);
    }
}

#[test]
fn app_data_of_257_units_are_refused_after_role_and_state() {
    let long = Data::text(&"x".repeat(257));
    let accept = || Move::Accept { data: long.clone(), address: None, material: None, attach: false };
    let mut session = ringing(false, false);
    assert_eq!(session.handle(1, Role::Inviter, ALICE, accept()).0, Code::SR_NOT_INVITEE);
    assert_eq!(session.handle(1, Role::Invitee, BOB, accept()).0, Code::E_INVALIDARG);
    assert_eq!(session.handle(1, Role::Invitee, BOB, Move::Decline(long.clone())).0, Code::E_INVALIDARG);
    assert_eq!(session.handle(1, Role::Inviter, ALICE, Move::Cancel(Code::S_OK, long.clone())).0, Code::E_INVALIDARG);
    assert_eq!(session.state(Role::Invitee, BOB), State::Invitation);
    apply(&mut session, Role::Invitee, Move::Decline(None));
    assert_eq!(session.handle(1, Role::Invitee, BOB, accept()).0, Code::SR_SESSION_STATE_INVALID);
}

#[test]
fn deadlines_end_it_the_same_for_both_and_not_a_moment_early() {
    for (state, at, code) in [
        (State::Invitation, 60_000, Code::SR_SESSION_TIMEOUT),
        (State::Accepted, 50_001, Code::SR_APPLICATION_LAUNCH_FAILED),
        (State::Connected, 1_000_001, Code::SR_SESSION_TIMEOUT),
    ] {
        let mut session = in_state(state, &[], false);
        assert_eq!(session.deadline(), Some(at), "{state}");
        assert!(session.due(at - 1).is_empty());
        let tells = session.due(at);
        assert_eq!(ended(&tells, ALICE), (How::Terminated, code, None));
        assert_eq!(ended(&tells, BOB), (How::Terminated, code, None));
        assert!(session.is_over() && session.due(at + 1).is_empty());
    }
}

#[test]
fn a_masked_decline_rings_on_for_the_inviter() {
    let mut session = ringing(false, true);
    let tells = apply(&mut session, Role::Invitee, Move::Decline(Data::text("never")));
    assert!(tells.iter().all(|tell| tell.device != ALICE));
    assert_eq!(session.state(Role::Inviter, ALICE), State::Invitation);
    assert_eq!(session.state(Role::Invitee, BOB), State::Terminated);
    assert!(session.ring(5, BOB_TOO).is_none(), "the person has answered");
    assert_eq!(ended(&session.due(60_000), ALICE), (How::Terminated, Code::SR_SESSION_TIMEOUT, None));
}

#[test]
fn the_first_answer_is_the_persons_answer() {
    let mut session = ringing(false, false);
    assert!(session.ring(3, BOB_TOO).is_some());
    let tells = apply(&mut session, Role::Invitee, accept(true));
    let other = ended(&tells, BOB_TOO);
    assert_eq!(other, (How::Cancelled, Code::SR_SESSION_CANCELLED_REMOTE, None));
    assert_eq!(session.state(Role::Invitee, BOB_TOO), State::Terminated);
    for late in [accept(true), Move::Decline(None), Move::Attach, context("x"), Move::Cancel(Code::S_OK, None)] {
        assert_eq!(session.handle(4, Role::Invitee, BOB_TOO, late).0, Code::SR_SESSION_STATE_INVALID);
    }
    assert_eq!(session.state(Role::Invitee, BOB), State::Accepted);
}

#[test]
fn attaching_ahead_is_remembered() {
    let mut session = ringing(false, false);
    apply(&mut session, Role::Inviter, Move::Attach);
    assert_eq!(session.handle(1, Role::Inviter, ALICE, Move::Attach).0, Code::S_FALSE);
    apply(&mut session, Role::Invitee, Move::Attach);
    apply(&mut session, Role::Invitee, accept(false));
    assert_eq!(session.state(Role::Inviter, ALICE), State::Connected);
}

#[test]
fn losing_the_invitee_does_not_end_the_ringing_losing_the_inviter_does() {
    let mut session = ringing(false, false);
    assert!(session.lost(Role::Invitee, BOB).is_empty());
    assert_eq!(session.state(Role::Inviter, ALICE), State::Invitation);
    assert!(session.ring(10, BOB_TOO).is_some());
    let tells = session.lost(Role::Inviter, ALICE);
    assert_eq!(ended(&tells, BOB_TOO), (How::Terminated, Code::SR_CONNECTION_FAILURE, None));
    assert_eq!(tells.len(), 1, "who is lost is not told");

    for lost in Role::ALL {
        let mut session = in_state(State::Connected, &[], false);
        let tells = session.lost(lost, device(lost));
        assert_eq!(ended(&tells, device(lost.other())).1, Code::SR_CONNECTION_FAILURE);
        assert!(session.is_over());
    }
}

#[test]
fn an_installation_stops_the_ring_timer() {
    let mut session = ringing(false, false);
    let tells = apply(&mut session, Role::Invitee, Move::Progress(Stage::Installing, None));
    let stages = tells.iter().map(|tell| match tell.event {
        Event::Progress { stage, .. } => stage,
        ref other => panic!("{other:?}"),
    });
    assert_eq!(stages.collect::<Vec<_>>(), [Stage::Delivered, Stage::Installing], "whoever installs it has it");
    assert_eq!(session.deadline(), Some(600_001));
    assert!(apply(&mut session, Role::Invitee, Move::Progress(Stage::Installing, None)).is_empty(), "told once");
    assert_eq!(ended(&session.due(600_001), ALICE).1, Code::SR_APP_NOT_REGISTERED);
}
