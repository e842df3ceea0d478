//! Runs the simulator: `cargo xtask sim` is this, optimised.

#![expect(clippy::print_stdout, reason = "a task reports to the person who started it")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use hither_sim::plan::Plan;
use hither_sim::shorten::shorten;
use hither_sim::world::{Failure, Tally, run};

/// Holds sessions in a simulated world with a bad network, one world for each seed, and checks after
/// each event that both sides agree. A seed that breaks a promise is shortened, printed as a plan,
/// and kept in a file that --plan runs again.
#[derive(Parser)]
#[command(name = "cargo xtask sim", bin_name = "cargo xtask sim")]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    first: u64,
    /// Run this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Run the plan in this file alone.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "first", "seed"])]
    plan: Option<PathBuf>,
    /// Print what happens, line by line; with --seed or --plan.
    #[arg(long)]
    trace: bool,
    /// Where to keep a plan that breaks a promise.
    #[arg(long, default_value = "target/sim-failure.plan", value_name = "FILE")]
    keep: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let one = match (&args.plan, args.seed) {
        (Some(file), _) => {
            Some(std::fs::read_to_string(file).map_err(|error| error.to_string()).and_then(|text| Plan::read(&text)))
        }
        (None, Some(seed)) => Some(Ok(Plan::of_seed(seed))),
        (None, None) => None,
    };
    match one {
        Some(Ok(plan)) => run_one(&plan, args.trace),
        Some(Err(error)) => {
            println!("the plan cannot be read: {error}");
            ExitCode::from(2)
        }
        None => run_many(&args),
    }
}

fn run_one(plan: &Plan, trace: bool) -> ExitCode {
    let (result, lines) = run(plan, trace);
    for line in lines {
        println!("{line}");
    }
    match result {
        Ok(tally) => {
            println!("clean: {tally:?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", describe(&failure));
            ExitCode::FAILURE
        }
    }
}

fn describe(failure: &Failure) -> String {
    format!("broken after {} steps, at {} ms: {}", failure.step, failure.at, failure.broken)
}

fn run_many(args: &Args) -> ExitCode {
    let start = Instant::now();
    let next = AtomicU64::new(args.first);
    let end = args.first.saturating_add(args.seeds);
    let found: Mutex<(Option<u64>, Tally)> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| worker(&next, end, &found));
        }
    });
    let (broken, tally) = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seconds = start.elapsed().as_secs_f64();
    let Some(seed) = broken else {
        println!("{} seeds clean in {seconds:.1} s: {tally:?}", args.seeds);
        return ExitCode::SUCCESS;
    };
    println!("seed {seed} breaks a promise, found after {} seeds and {seconds:.1} s", seed - args.first + 1);
    let (plan, failure) = shorten(Plan::of_seed(seed));
    println!("shortened to {} steps: {}", plan.steps.len(), describe(&failure));
    println!("\n{plan}");
    match std::fs::write(&args.keep, format!("# {}\n{plan}", describe(&failure))) {
        Ok(()) => println!("see it with `cargo xtask sim --plan {} --trace`", args.keep.display()),
        Err(error) => println!("the plan cannot be kept in {}: {error}", args.keep.display()),
    }
    ExitCode::FAILURE
}

/// Takes one seed after the other, until one is broken or all are done.
fn worker(next: &AtomicU64, end: u64, found: &Mutex<(Option<u64>, Tally)>) {
    let lock = || found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut sum = Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        if let Ok(tally) = run(&Plan::of_seed(seed), false).0 {
            sum += tally;
        } else {
            next.store(end, Ordering::Relaxed);
            let broken = &mut lock().0;
            *broken = Some(broken.map_or(seed, |other| other.min(seed)));
        }
    }
    lock().1 += sum;
}
