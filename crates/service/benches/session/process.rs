//! The servers that are measured, each in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

/// A server in a process of its own, ended when dropped.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(role: &str, folder: Option<&Path>) -> anyhow::Result<Server> {
        let mut child = Command::new(std::env::current_exe()?).arg(role).args(folder).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("the server's output")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        Ok(Server { child, url: url.trim().to_owned() })
    }

    pub fn cpu_us(&self) -> anyhow::Result<f64> {
        // The process's own line counts its first thread only.
        let mut nanoseconds = 0_u64;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += stat.split_whitespace().next().context("schedstat")?.parse::<u64>()?;
        }
        Ok(nanoseconds as f64 / 1_000.0)
    }

    pub fn resident_kib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
