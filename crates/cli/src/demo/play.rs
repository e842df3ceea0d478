//! What happens in the demo, in its order.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use tictactoe::app::{GUID, NAME, Played};
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::command::{Scene, Typed};
use super::news::{Ears, News, Seen, Step, Trouble, words};
use super::player::{Told, now_us};
use super::processes::{Fate, Processes};
use super::timeline::{Timeline, Who};

/// A step that takes longer has failed.
const STEP: Duration = Duration::from_mins(1);
/// What is heard within this time is put into order before it is shown.
const PAUSE: Duration = Duration::from_millis(50);
/// After something has gone wrong, others may say within this time why.
const REASONS: Duration = Duration::from_millis(300);
/// So many reasons are enough.
const REASONS_MAX: usize = 8;
/// News that wait; whoever has more to tell waits.
const NEWS: usize = 256;

/// What Alice asks, and Bob answers.
const QUESTION: &str = "a quick game?";
const ANSWER: &str = "gladly";

/// The play.
pub struct Play<'a> {
    scene: Scene,
    timeline: &'a mut Timeline,
    processes: &'a mut Processes,
    ears: Ears,
    news: Receiver<News>,
    alice: Seen,
    bob: Seen,
}

impl<'a> Play<'a> {
    /// Nothing has happened yet.
    pub fn new(scene: Scene, timeline: &'a mut Timeline, processes: &'a mut Processes) -> Play<'a> {
        let (tell, news) = mpsc::channel(NEWS);
        let (alice, bob) = (Seen::default(), Seen::default());
        Play { scene, timeline, processes, ears: Ears::new(tell), news, alice, bob }
    }

    /// Everything, with this many milliseconds for each move.
    pub async fn run(&mut self, pace: u64) -> Result<(Played, Played)> {
        let url = self.service().await?;
        self.agents(&url).await?;
        self.applications(pace).await?;
        self.contacts().await?;
        self.invitation().await?;
        self.games().await
    }

    /// Accounts, and a service.
    async fn service(&mut self) -> Result<String> {
        for who in Who::PEOPLE {
            let add = Typed::new(&["account", "add", who.user(), "--data", "data"]);
            self.types(&[(Who::Host, add.with_password(self.scene.password(who)))]).await?;
        }
        let serve = Typed::new(&["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
        let (process, first) = self.begins(Who::Host, "service", "the service to listen", &serve).await?;
        let url = first.strip_prefix("listening on ").with_context(|| format!("the service says `{first}`"))?;
        self.timeline.says(Who::Host, "service", &format!("is process {process}, {first}"));
        Ok(url.to_owned())
    }

    /// Both sign in and start their agents, and from then on it is watched what these tell.
    async fn agents(&mut self, url: &str) -> Result<()> {
        let sign_in = |who: Who, scene: &Scene| {
            (who, Typed::new(&["sign-in", who.user(), "--service", url]).with_password(scene.password(who)))
        };
        self.types(&[sign_in(Who::Alice, &self.scene), sign_in(Who::Bob, &self.scene)]).await?;
        for who in Who::PEOPLE {
            let name = format!("{} agent", who.name());
            let agent = Typed::new(&["agent", "--no-notifications"]);
            let what = format!("{}'s agent to be ready", who.name());
            let (process, _ready) = self.begins(who, &name, &what, &agent).await?;
            let home = self.scene.home(who);
            self.timeline.says(who, "agent", &format!("is process {process}, its home is {}", home.display()));
            let watch = self.scene.command(who, &Typed::new(&["watch", "--json"]));
            let (_, said) = self.processes.start(&format!("{} watch", who.name()), Fate::Whatever, watch)?;
            self.ears.watch(who, said);
        }
        for who in Who::PEOPLE {
            self.until(who, Step::SignedIn).await?;
        }
        Ok(())
    }

    /// Both register the application.
    async fn applications(&mut self, pace: u64) -> Result<()> {
        let mut registrations = Vec::new();
        for who in Who::PEOPLE {
            let socket = self.scene.home(who).join("tell.sock");
            self.ears.listen(who, &socket)?;
            let socket = socket.to_str().context("the path of the temporary folder is not UTF-8")?;
            let pace = pace.to_string();
            let mut register = vec!["app", "register", GUID, NAME, "--"];
            register.extend([self.scene.executable()?, "demo-player", "--tell", socket]);
            if pace != "0" {
                register.extend(["--pace", &pace]);
            }
            registrations.push((who, Typed::new(&register)));
        }
        self.types(&registrations).await
    }

    /// Each adds the other.
    async fn contacts(&mut self) -> Result<()> {
        let add = |who: Who| (who, Typed::new(&["contact", "add", who.friend().user()]));
        self.types(&[add(Who::Alice), add(Who::Bob)]).await?;
        for who in Who::PEOPLE {
            self.until(who, Step::FriendOnline).await?;
        }
        Ok(())
    }

    /// Alice invites from the client, Bob answers.
    async fn invitation(&mut self) -> Result<()> {
        let invite = Typed::new(&["invite", Who::Bob.user(), NAME, "--data", QUESTION]);
        self.types(&[(Who::Alice, invite)]).await?;
        self.until(Who::Bob, Step::Rings).await?;
        self.until(Who::Alice, Step::RingsThere).await?;
        self.timeline.note("on a desktop this is a notification with Accept and Decline; here Bob types");
        self.types(&[(Who::Bob, Typed::new(&["accept", "--data", ANSWER]))]).await
    }

    /// The agents start the games, and these do the rest.
    async fn games(&mut self) -> Result<(Played, Played)> {
        for who in Who::PEOPLE {
            self.until(who, Step::Launching).await?;
            self.until(who, Step::Started).await?;
        }
        for who in Who::PEOPLE {
            self.until(who, Step::Played).await?;
            self.until(who, Step::Left).await?;
            self.until(who, Step::Over).await?;
        }
        self.timeline.flush()?;
        let (Some(mut alice), Some(mut bob)) = (self.alice.played.take(), self.bob.played.take()) else {
            bail!("nobody has played");
        };
        alice.app_data += QUESTION.len();
        bob.app_data += ANSWER.len();
        check(&alice, &bob)?;
        self.timeline.check()?;
        Ok((alice, bob))
    }

    /// Each types a command; all of them at the same time.
    async fn types(&mut self, commands: &[(Who, Typed)]) -> Result<()> {
        let mut running = JoinSet::new();
        let mut lines = Vec::new();
        for (who, typed) in commands {
            self.timeline.typed(*who, &typed.line());
            lines.push(format!("`{}`", typed.line()));
            running.spawn(self.scene.run(*who, typed));
        }
        let all = async {
            while let Some(done) = running.join_next().await {
                done.context("a command was lost")??;
            }
            Ok(())
        };
        self.during(&lines.join(" and "), all).await
    }

    /// Types a command that goes on running; gives its process and what it says first.
    async fn begins(&mut self, who: Who, name: &str, what: &str, typed: &Typed) -> Result<(u32, String)> {
        self.timeline.typed(who, &format!("{} &", typed.line()));
        let (process, mut said) = self.processes.start(name, Fate::EndsWell, self.scene.command(who, typed))?;
        let first = self.during(what, async { Ok(said.next_line().await?) }).await?;
        let first = first.ok_or_else(|| anyhow!("waited for {what}: {}", self.processes.last_words(name)))?;
        Ok((process, first))
    }

    /// Does something, and hears what happens meanwhile.
    async fn during<T>(&mut self, what: &str, doing: impl Future<Output = Result<T>>) -> Result<T> {
        let deadline = Instant::now() + STEP;
        let mut doing = pin!(doing);
        loop {
            let news = tokio::select! {
                done = &mut doing => return done,
                news = self.news.recv() => news,
                () = sleep(PAUSE) => {
                    self.timeline.flush()?;
                    None
                }
                () = sleep_until(deadline) => return Err(Play::late(what)),
            };
            if let Some(news) = news {
                self.hears(news).await?;
            }
        }
    }

    /// Waits until something is known of somebody.
    async fn until(&mut self, who: Who, step: Step) -> Result<()> {
        let deadline = Instant::now() + STEP;
        while !self.seen(who).steps.contains(&step) {
            let news = if let Ok(news) = timeout(PAUSE, self.news.recv()).await {
                news
            } else {
                self.timeline.flush()?;
                let waited = timeout_at(deadline, self.news.recv()).await;
                waited.map_err(|_| Play::late(&step.of(who)))?
            };
            self.hears(news.context("nobody listens")?).await?;
        }
        Ok(())
    }

    fn late(what: &str) -> anyhow::Error {
        anyhow!("waited {} s for {what}, in vain", STEP.as_secs())
    }

    fn reached(&mut self, who: Who, step: Step) {
        self.seen(who).steps.insert(step);
    }

    fn seen(&mut self, who: Who) -> &mut Seen {
        if who == Who::Alice { &mut self.alice } else { &mut self.bob }
    }

    /// Takes news. After bad ones, those that come soon may say why.
    async fn hears(&mut self, news: News) -> Result<()> {
        let Err(first) = self.take(news) else { return Ok(()) };
        let mut reasons = vec![first];
        while reasons.len() < REASONS_MAX
            && let Ok(Some(news)) = timeout(REASONS, self.news.recv()).await
        {
            reasons.extend(self.take(news).err());
        }
        bail!(Trouble::causes(reasons))
    }

    fn take(&mut self, news: News) -> Result<(), Trouble> {
        match news {
            News::Watching(who, true) => self.reached(who, Step::SignedIn),
            // It will be.
            News::Watching(_, false) => {}
            News::Agent(who, at, told) => {
                if let Some(words) = words(&told) {
                    self.timeline.said(at, who, "agent", &words);
                }
                self.seen(who).note(who, &told)?;
                for news in self.seen(who).no_longer_early() {
                    self.take(news)?;
                }
            }
            News::Unwatched(who) => return Err(Trouble::Gone(format!("{}'s agent has gone", who.name()))),
            News::Player(who, _) | News::Left(who) if !self.seen(who).steps.contains(&Step::Launching) => {
                self.seen(who).early.push(news);
            }
            News::Player(who, Told::Started(process)) => {
                let now = now_us();
                let seen = self.seen(who);
                (seen.game, seen.game_us) = (Some(process), now);
                self.reached(who, Step::Started);
                self.timeline.said(now, who, "game", &format!("is process {process}, started by the agent"));
            }
            News::Player(who, Told::Moment(at, moment)) => {
                let at = at.max(self.seen(who).game_us);
                self.timeline.moment(at, who, moment);
            }
            News::Player(who, Told::Played(played)) => {
                self.seen(who).played = Some(played);
                self.reached(who, Step::Played);
            }
            News::Player(who, Told::Failed(reason)) => {
                self.seen(who).failed = true;
                return Err(Trouble::Game(format!("{}'s game: {reason}", who.name())));
            }
            News::Left(who) => {
                self.reached(who, Step::Left);
                let seen = self.seen(who);
                if seen.played.is_none() && !seen.failed {
                    let process = seen.game.unwrap_or_default();
                    let name = who.name();
                    return Err(Trouble::Gone(format!(
                        "{name}'s game (process {process}) has ended before it was over"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// What one side sent directly, the other must have received, and both must have seen one game.
fn check(alice: &Played, bob: &Played) -> Result<()> {
    ensure!(
        alice.finished.sent == bob.finished.received && alice.finished.received == bob.finished.sent,
        "bytes were lost on the direct connection"
    );
    ensure!(
        alice.finished.outcome == bob.finished.outcome && alice.finished.rows == bob.finished.rows,
        "the two sides saw different games"
    );
    Ok(())
}
