//! What is done to the world, as lines that a person can read, keep and replay.

use std::fmt;
use std::str::FromStr;

use fastrand::Rng;

/// One person's device, for instance `bob/2`: both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat {
    /// Which person.
    pub person: usize,
    /// Which of the person's devices.
    pub device: usize,
}

/// The people of the world and how many devices each has. Alice, Bob and Carol have each other as
/// contacts; Dave is nobody's contact but takes invitations from anyone, so his declines are masked.
pub const PEOPLE: [(&str, usize); 4] = [("alice", 2), ("bob", 3), ("carol", 1), ("dave", 1)];

/// Every device of the world.
pub fn seats() -> impl Iterator<Item = Seat> {
    PEOPLE
        .iter()
        .enumerate()
        .flat_map(|(person, (_, devices))| (0..*devices).map(move |device| Seat { person, device }))
}

impl Seat {
    fn any(rng: &mut Rng) -> Seat {
        let all: Vec<Seat> = seats().collect();
        all.get(rng.usize(..all.len())).copied().unwrap_or(Seat { person: 0, device: 0 })
    }

    /// The person's name.
    pub fn name(self) -> &'static str {
        PEOPLE.get(self.person).map_or("nobody", |(name, _)| name)
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name(), self.device)
    }
}

impl FromStr for Seat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        seats().find(|seat| seat.to_string() == text).ok_or_else(|| format!("`{text}` is no device"))
    }
}

/// One step of a plan. Which session a step means is the device's newest one that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes.
    Wait(u64),
    /// A device invites a person.
    Invite(Seat, usize),
    /// A device accepts; with its application attached or not.
    Accept(Seat, bool),
    /// A device declines.
    Decline(Seat),
    /// A device lets it ring.
    Ignore(Seat),
    /// A device cancels.
    Cancel(Seat),
    /// A device's application attaches.
    Attach(Seat),
    /// A device sends context data.
    Context(Seat),
    /// The device's connection breaks, both ends notice at once; what is under way is lost.
    Cut(Seat),
    /// The device's connection breaks, and only the device notices.
    CutNear(Seat),
    /// The device's connection breaks, and only the service notices.
    CutFar(Seat),
    /// The device's process is killed and started again from what it had kept.
    Kill(Seat),
    /// The device cannot connect for a while, in milliseconds.
    Offline(Seat, u64),
    /// Frames of the device take this long, in milliseconds.
    Slow(Seat, u64),
}

impl Step {
    /// A step drawn at random.
    pub fn any(rng: &mut Rng) -> Step {
        let seat = Seat::any(rng);
        match rng.u32(..100) {
            0..22 => Step::Wait(rng.u64(1..200)),
            22..26 => Step::Wait(rng.u64(200..8_000)),
            26..28 => Step::Wait(rng.u64(8_000..70_000)),
            28..42 => Step::Invite(seat, rng.usize(..PEOPLE.len())),
            42..56 => Step::Accept(seat, rng.bool()),
            56..58 => Step::Decline(seat),
            58..59 => Step::Ignore(seat),
            59..62 => Step::Cancel(seat),
            62..70 => Step::Attach(seat),
            70..86 => Step::Context(seat),
            86..91 => Step::Cut(seat),
            91..93 => Step::CutNear(seat),
            93..95 => Step::CutFar(seat),
            95..97 => Step::Kill(seat),
            97..98 => Step::Offline(seat, rng.u64(100..60_000)),
            _ => Step::Slow(seat, rng.u64(1..2_000)),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Wait(ms) => write!(f, "wait {ms}"),
            Step::Invite(seat, whom) => {
                write!(f, "invite {seat} {}", PEOPLE.get(*whom).map_or("nobody", |(name, _)| name))
            }
            Step::Accept(seat, attach) => write!(f, "accept {seat}{}", if *attach { " attached" } else { "" }),
            Step::Decline(seat) => write!(f, "decline {seat}"),
            Step::Ignore(seat) => write!(f, "ignore {seat}"),
            Step::Cancel(seat) => write!(f, "cancel {seat}"),
            Step::Attach(seat) => write!(f, "attach {seat}"),
            Step::Context(seat) => write!(f, "context {seat}"),
            Step::Cut(seat) => write!(f, "cut {seat}"),
            Step::CutNear(seat) => write!(f, "cut-near {seat}"),
            Step::CutFar(seat) => write!(f, "cut-far {seat}"),
            Step::Kill(seat) => write!(f, "kill {seat}"),
            Step::Offline(seat, ms) => write!(f, "offline {seat} {ms}"),
            Step::Slow(seat, ms) => write!(f, "slow {seat} {ms}"),
        }
    }
}

impl FromStr for Step {
    type Err = String;
    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let first = words.next().ok_or_else(|| format!("`{line}` is no step"))?;
        let second = words.next();
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
        let milliseconds = || number(second.unwrap_or_default());
        if verb == "wait" {
            return number(first).map(Step::Wait);
        }
        let seat: Seat = first.parse()?;
        Ok(match verb {
            "invite" => {
                let whom = second.unwrap_or_default();
                let person = PEOPLE.iter().position(|(name, _)| *name == whom);
                Step::Invite(seat, person.ok_or_else(|| format!("`{whom}` is nobody"))?)
            }
            "accept" => Step::Accept(seat, second == Some("attached")),
            "decline" => Step::Decline(seat),
            "ignore" => Step::Ignore(seat),
            "cancel" => Step::Cancel(seat),
            "attach" => Step::Attach(seat),
            "context" => Step::Context(seat),
            "cut" => Step::Cut(seat),
            "cut-near" => Step::CutNear(seat),
            "cut-far" => Step::CutFar(seat),
            "kill" => Step::Kill(seat),
            "offline" => Step::Offline(seat, milliseconds()?),
            "slow" => Step::Slow(seat, milliseconds()?),
            _ => return Err(format!("`{verb}` is no step")),
        })
    }
}

/// A seed for the small things (delays, jitter, ids) and the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where the randomness of the network comes from.
    pub seed: u64,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of_seed(seed: u64) -> Plan {
        let mut rng = Rng::with_seed(seed);
        let length = rng.usize(20..90);
        Plan { seed, steps: (0..length).map(|_| Step::any(&mut rng)).collect() }
    }

    /// Reads a plan that was written with `Display`; lines that begin with `#` are skipped.
    pub fn read(text: &str) -> Result<Plan, String> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let seed = lines
            .next()
            .and_then(|line| line.strip_prefix("seed "))
            .and_then(|seed| seed.trim().parse().ok())
            .ok_or("a plan begins with `seed NUMBER`")?;
        let steps = lines.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Plan { seed, steps })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_as_it_was_written() {
        for seed in 0..50 {
            let plan = Plan::of_seed(seed);
            assert_eq!(Plan::read(&format!("# found at night\n{plan}")).unwrap(), plan);
        }
        for bad in ["", "seed x", "seed 1\ndance alice/0", "seed 1\ncut zoe/0", "seed 1\nwait", "seed 1\nslow bob/1"] {
            assert!(Plan::read(bad).is_err(), "{bad}");
        }
    }
}
