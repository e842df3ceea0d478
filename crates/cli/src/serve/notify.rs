//! What systemd is told of a service of `Type=notify`: `sd_notify(3)`, one datagram for each change.
//! Without systemd nothing happens.

#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
#[cfg(target_os = "linux")]
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Clients are taken; or the settings have been read again.
pub fn ready() {
    tell("READY=1\n");
}

/// The settings are being read again.
pub fn reloading() {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        tell(&format!("RELOADING=1\nMONOTONIC_USEC={}\n", time.tv_sec * 1_000_000 + time.tv_nsec / 1_000));
    }
}

/// The service stops.
pub fn stopping() {
    tell("STOPPING=1\n");
}

#[cfg(target_os = "linux")]
fn tell(what: &str) {
    use std::os::unix::ffi::OsStrExt as _;
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match place.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&place),
    };
    let told = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(what.as_bytes(), &address));
    if let Err(error) = told {
        tracing::debug!(%error, "systemd could not be told");
    }
}

#[cfg(not(target_os = "linux"))]
fn tell(_what: &str) {}
