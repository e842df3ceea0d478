//! What an operator counts, in the Prometheus text format: base units, no person in a label.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The numbers, each behind an atomic: whoever counts does not wait.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Connections that are open.
    pub connections: Gauge,
    /// People who are signed in, or waited for.
    pub people: Gauge,
    /// Sessions that are not over.
    pub sessions: Gauge,
    /// Frames from clients.
    pub frames_received: Counter,
    /// Frames to clients.
    pub frames_sent: Counter,
    /// Invitations that began to ring.
    pub invitations: Counter,
    /// Connections that were turned away at a limit.
    pub turned_away: Counter,
    /// 1 as long as the store cannot be read.
    pub store_failing: Gauge,
    /// TLS handshakes that failed, or took too long.
    pub tls_failures: Counter,
    /// When the certificate ends, in seconds since 1970; of a service with TLS only.
    certificate_ends: Family<Unnamed, Gauge>,
    answers: Family<Named, Counter>,
    sign_ins: Family<Named, Counter>,
}

/// No name, where there is at most one number.
type Unnamed = Vec<(&'static str, &'static str)>;

/// A name out of few.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    name: &'static str,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("hither"),
            connections: Gauge::default(),
            people: Gauge::default(),
            sessions: Gauge::default(),
            frames_received: Counter::default(),
            frames_sent: Counter::default(),
            invitations: Counter::default(),
            turned_away: Counter::default(),
            store_failing: Gauge::default(),
            tls_failures: Counter::default(),
            certificate_ends: Family::default(),
            answers: Family::default(),
            sign_ins: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("connections", "Connections that are open", metrics.connections.clone());
        registry.register("people", "People who are signed in, or waited for", metrics.people.clone());
        registry.register("sessions", "Sessions that are not over", metrics.sessions.clone());
        registry.register("frames_received", "Frames from clients", metrics.frames_received.clone());
        registry.register("frames_sent", "Frames to clients", metrics.frames_sent.clone());
        registry.register("invitations", "Invitations that began to ring", metrics.invitations.clone());
        let turned_away = "Connections that were turned away at a limit";
        registry.register("connections_turned_away", turned_away, metrics.turned_away.clone());
        registry.register("store_failing", "1 as long as the store cannot be read", metrics.store_failing.clone());
        registry.register("tls_failures", "TLS handshakes that failed", metrics.tls_failures.clone());
        let ends = "When the TLS certificate ends, in seconds since 1970";
        registry.register("tls_certificate_end_timestamp_seconds", ends, metrics.certificate_ends.clone());
        registry.register("answers", "Answers to requests, by the name of their code", metrics.answers.clone());
        registry.register("sign_ins", "Sign-ins, by the name of their code", metrics.sign_ins.clone());
        metrics
    }

    /// A request was answered.
    pub fn answered(&self, code: hither_wire::Code) {
        self.answers.get_or_create(&named(code)).inc();
    }

    /// A sign-in was judged.
    pub fn signed_in(&self, code: hither_wire::Code) {
        self.sign_ins.get_or_create(&named(code)).inc();
    }

    /// A certificate is in use that ends then, in seconds since 1970.
    pub fn certificate_ends(&self, at: i64) {
        self.certificate_ends.get_or_create(&Vec::new()).set(at);
    }

    /// All of it, as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            // Writing into a string does not fail.
            Err(_) => String::new(),
        }
    }
}

/// Codes without a name of their own are counted together: there are four milliards of them.
fn named(code: hither_wire::Code) -> Named {
    Named { name: code.name().unwrap_or("other") }
}
