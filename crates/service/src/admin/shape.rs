//! Texts that have a form, for the description.

use utoipa::ToSchema;

/// A sign-in name: `name@domain`, in any case; kept in lower case.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = "^[^@\\s\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\u{e0000}-\u{e007f}]+@[^@\\s\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\u{e0000}-\u{e007f}]+$",
    max_length = 129,
    example = "alice@example.org"
)]
#[expect(dead_code, reason = "a form, no value")]
pub struct SignInName(String);

/// The name that others see: at most 128 UTF-16 units, no control characters.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", max_length = 128, example = "Alice")]
#[expect(dead_code, reason = "a form, no value")]
pub struct FriendlyName(String);

/// A GUID, in any case, with its braces or without.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    pattern = r"^(\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$",
    example = "{305D86C6-6896-4099-91F5-CB7BA7733563}"
)]
#[expect(dead_code, reason = "a form, no value")]
pub struct GuidText(String);

/// The id of a pair.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[A-Z0-9-]{1,64}$", example = "APP-ABCDEFGHIJKLMNOP")]
#[expect(dead_code, reason = "a form, no value")]
pub struct PairId(String);
