//! Two agents at the real service machine: what is asked, shown, started, kept.

mod desk;
mod flows;
mod hostile;
mod locks;
mod programs;
mod restart;
