//! Every limit of the wire, and how the limits relate. Settings of a service (how many sessions a
//! person may have, how long it rings) are not here but in `hither_proto::service::Config`.

/// Context data, in UTF-16 units (reference, `SendContextData`; R1).
pub const CONTEXT_UNITS: usize = 300;
/// Context data sent by each party of a session (R3).
pub const CONTEXT_COUNT: u8 = 5;
/// App data, in UTF-16 units: 512 bytes of a `BSTR` (R2).
pub const APP_DATA_UNITS: usize = 256;
/// A GUID's text, in characters, with room for the reference's terminator (R13).
pub const GUID_CHARS: usize = 39;
/// An application's name and its URL, in UTF-16 units.
pub const APP_NAME_UNITS: usize = 256;
/// An application's URL, in UTF-16 units.
pub const APP_URL_UNITS: usize = 256;
/// An address that is no IPv6 literal, in characters (R14).
pub const ADDRESS_CHARS: usize = 30;
/// A sign-in name, in UTF-16 units (reference, section 2.4).
pub const SIGNIN_NAME_UNITS: usize = 129;
/// A friendly name, in UTF-16 units.
pub const FRIENDLY_NAME_UNITS: usize = 128;
/// A password, in bytes: long enough for any sentence, short enough to hash.
pub const PASSWORD_BYTES: usize = 512;
/// A session token, in bytes.
pub const TOKEN_BYTES: usize = 4096;
/// An idempotency key, in bytes.
pub const KEY_BYTES: usize = 64;
/// Opaque key material on invite and accept, in bytes of its text.
pub const MATERIAL_BYTES: usize = 256;
/// Sealed data, in bytes of its text.
pub const SEALED_BYTES: usize = 2048;
/// A new password, in bytes at least.
pub const NEW_PASSWORD_BYTES: usize = 8;
/// A registration code, in bytes.
pub const CODE_BYTES: usize = 64;
/// Devices in a list.
pub const DEVICES: usize = 256;
/// An object handle, in bytes.
pub const OBJECT_BYTES: usize = 64;
/// An application's id of Lock and Key, in bytes.
pub const APP_ID_BYTES: usize = 128;
/// A challenge of Lock and Key, in bytes.
pub const CHALLENGE_BYTES: usize = 128;
/// The response to a challenge, in bytes: room for 512 bits in hexadecimal.
pub const RESPONSE_BYTES: usize = 128;
/// A device's public key, in bytes of its text.
pub const DEVICE_KEY_BYTES: usize = 256;
/// The client's name in `hello`, in bytes.
pub const CLIENT_NAME_BYTES: usize = 128;
/// Capabilities in `hello`: how many.
pub const CAPABILITIES: usize = 32;
/// A capability's name, in bytes.
pub const CAPABILITY_BYTES: usize = 64;
/// Versions in `hello`: how many.
pub const VERSIONS: usize = 16;
/// A person's contacts, and as many blocks.
pub const CONTACTS: usize = 600;
/// A frame from a client, in bytes.
pub const CLIENT_FRAME_BYTES: usize = 16 * 1024;
/// A frame from the service, in bytes.
pub const SERVICE_FRAME_BYTES: usize = 1024 * 1024;
/// Requests of one connection that wait for their answer. One more closes the connection.
pub const REQUESTS_IN_FLIGHT: usize = 32;
/// The last answers of a device that are kept, so that a repeated key is not applied twice.
/// A client keeps at most as many requests unanswered.
pub const ANSWERS_KEPT: usize = REQUESTS_IN_FLIGHT;
/// A client acknowledges at the latest when it holds this many unacknowledged events.
pub const ACK_AFTER_EVENTS: u64 = 16;
/// The largest integer that may stand in a message: what a double can hold exactly.
pub const INTEGER: u64 = (1 << 53) - 1;
/// Ended sessions that a client can still read (R27).
pub const ENDED_SESSIONS_READABLE: usize = 1_000;

// The largest text of a request is sealed data beside material, a name and a URL; escaped as
// \uXXXX a unit takes six bytes. It must fit a frame with room for ids and keys.
const _: () = assert!(
    CLIENT_FRAME_BYTES
        > 6 * (APP_DATA_UNITS + APP_NAME_UNITS + APP_URL_UNITS + SIGNIN_NAME_UNITS) + SEALED_BYTES + 2048
);
// The longest answer is a full contact list: two names, a status and punctuation for each.
const _: () = assert!(SERVICE_FRAME_BYTES > 2 * CONTACTS * (3 * (SIGNIN_NAME_UNITS + FRIENDLY_NAME_UNITS) + 64));
const _: () = assert!(SEALED_BYTES >= 6 * CONTEXT_UNITS);
