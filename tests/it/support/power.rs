//! A node on a disk that obeys the test: the shim of `tests/power` in its process, and the loss of power after it.

use std::{
    collections::BTreeSet,
    env, fs,
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::NodeOptions;
use crate::{
    random::Random,
    rule::{Counts, Rule},
};

/// Bytes that a disk writes at once or not at all.
const SECTOR: usize = 512;

/// The desk of the shim, and the directory that it watches.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    root: PathBuf,
    desk: PathBuf,
}

/// Which of what was not synced is lost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// All of it.
    Worst,
    /// About half, as this seed says.
    Random(u64),
}

/// What a loss of power did.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    /// Sectors that were not synced, and are gone.
    pub(crate) sectors_lost: usize,
    /// Sectors that were not synced, and are there.
    pub(crate) sectors_kept: usize,
    /// Names whose making or removal was not synced, and is undone.
    pub(crate) names_undone: usize,
}

impl Desk {
    /// Puts the shim under the node of `options`, whose data directory is still empty.
    pub(crate) fn under(options: &mut NodeOptions) -> Self {
        let desk = options.datadir.with_extension("desk");
        fs::create_dir(&desk).unwrap();
        // The directory itself is there: what may be lost is what is in it.
        fs::create_dir(&options.datadir).unwrap();
        fs::write(desk.join("clock"), "0").unwrap();
        let library = env::current_exe().unwrap();
        let library = library.with_file_name("libtrestle_power.so");
        assert!(library.exists(), "{} is not built", library.display());
        let root = options.datadir.canonicalize().unwrap();
        options.env = vec![
            ("LD_PRELOAD", library),
            ("TRESTLE_POWER_ROOT", root.clone()),
            ("TRESTLE_POWER_DESK", desk.clone()),
        ];
        Self { root, desk }
    }

    /// What happens from now on; a rule counts from here.
    pub(crate) fn set_rule(&self, rule: Option<&Rule>) {
        let text = rule.map(Rule::to_string).unwrap_or_default();
        // In one step: the shim never sees half of it.
        let fresh = self.desk.join("rule.new");
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, self.desk.join("rule")).unwrap();
    }

    /// How many rules have struck so far.
    pub(crate) fn fired(&self) -> usize {
        let text = fs::read_to_string(self.desk.join("fired")).unwrap_or_default();
        text.lines().count()
    }

    /// What the newest process under the shim did.
    pub(crate) fn counts(&self) -> Counts {
        let bytes = fs::read(self.desk.join("counts")).unwrap_or_default();
        Counts::from(bytes.as_slice())
    }

    /// From now on the clock of the day is wrong by so many seconds.
    pub(crate) fn set_clock(&self, seconds: i64) {
        let file = File::options().write(true).open(self.desk.join("clock"));
        let text = format!("{seconds:<20}");
        file.unwrap().write_all_at(text.as_bytes(), 0).unwrap();
    }

    /// The process is dead; the machine is now too. What was not synced is kept or lost by `fate`.
    pub(crate) fn lose_power(&self, fate: Fate) -> Loss {
        let (content, names) = (self.desk.join("content"), self.desk.join("names"));
        let mut outage = Outage {
            root: &self.root,
            content: &content,
            names: &names,
            random: match fate {
                Fate::Worst => None,
                Fate::Random(seed) => Some(Random::new(seed)),
            },
            loss: Loss::default(),
        };
        outage.directory(Path::new(""));
        let loss = outage.loss;
        // What is there now is what the disk holds.
        for dir in [&content, &names] {
            let _ = fs::remove_dir_all(dir);
            fs::create_dir(dir).unwrap();
        }
        settle(&self.root, &content, &names);
        loss
    }
}

/// A loss of power under way.
struct Outage<'a> {
    root: &'a Path,
    content: &'a Path,
    names: &'a Path,
    /// `None` for the worst.
    random: Option<Random>,
    loss: Loss,
}

impl Outage<'_> {
    fn is_lost(&mut self) -> bool {
        self.random.as_mut().is_none_or(|random| random.one_in(2))
    }

    fn directory(&mut self, path: &Path) {
        let mut all = BTreeSet::new();
        for dir in [self.root.join(path), self.names.join(path)] {
            let entries = fs::read_dir(dir).into_iter().flatten();
            all.extend(entries.map(|entry| entry.unwrap().file_name()));
        }
        for name in all.into_iter().filter(|name| name != ".durable") {
            let path = path.join(name);
            let (live, mark) = (self.root.join(&path), self.names.join(&path));
            let is_durable = mark.is_file() || mark.join(".durable").exists();
            match (live.exists(), is_durable) {
                (true, false) if self.is_lost() => {
                    self.loss.names_undone += 1;
                    let _ = fs::remove_file(&live).or_else(|_| fs::remove_dir_all(&live));
                }
                (true, _) if live.is_dir() => self.directory(&path),
                (true, _) => self.file(&path),
                (false, true) if self.is_lost() => {
                    self.loss.names_undone += 1;
                    fs::write(
                        &live,
                        fs::read(self.content.join(&path)).unwrap_or_default(),
                    )
                    .unwrap();
                }
                (false, _) => {}
            }
        }
    }

    /// Of every sector that differs from what was synced, the old or the new one stays.
    fn file(&mut self, path: &Path) {
        let live = File::options()
            .read(true)
            .write(true)
            .open(self.root.join(path))
            .unwrap();
        let kept = File::open(self.content.join(path)).ok();
        let (new, old) = (length(Some(&live)), length(kept.as_ref()));
        let end = if self.is_lost() { old } else { new };
        let (mut ours, mut theirs) = (vec![0; 1 << 20], vec![0; 1 << 20]);
        let mut at = 0;
        while at < end {
            let n = read(Some(&live), &mut ours, at).max(read(kept.as_ref(), &mut theirs, at));
            if n == 0 {
                break;
            }
            for start in (0..n).step_by(SECTOR) {
                let sector = start..(start + SECTOR).min(n);
                if ours[sector.clone()] == theirs[sector.clone()] {
                    continue;
                }
                if !self.is_lost() {
                    self.loss.sectors_kept += 1;
                    continue;
                }
                self.loss.sectors_lost += 1;
                live.write_all_at(&theirs[sector], at + start as u64)
                    .unwrap();
            }
            at += n as u64;
        }
        live.set_len(end).unwrap();
    }
}

fn length(file: Option<&File>) -> u64 {
    file.map_or(0, |file| file.metadata().unwrap().len())
}

/// Bytes read; what there is no more of is zero.
fn read(file: Option<&File>, bytes: &mut [u8], at: u64) -> usize {
    let n = file.map_or(0, |file| file.read_at(bytes, at).unwrap());
    bytes[n..].fill(0);
    n
}

/// Takes what is in `root` for durable.
fn settle(root: &Path, content: &Path, names: &Path) {
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let place = |dir: &Path| dir.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(place(content)).unwrap();
            fs::create_dir(place(names)).unwrap();
            fs::write(place(names).join(".durable"), "").unwrap();
            settle(&entry.path(), &place(content), &place(names));
        } else {
            fs::write(place(names), "").unwrap();
            copy_sparsely(&entry.path(), &place(content));
        }
    }
}

/// Copies what is not zero.
fn copy_sparsely(from: &Path, to: &Path) {
    let (from, to) = (File::open(from).unwrap(), File::create(to).unwrap());
    to.set_len(length(Some(&from))).unwrap();
    let (mut bytes, mut at) = (vec![0; 1 << 20], 0);
    loop {
        let n = from.read_at(&mut bytes, at).unwrap();
        if n == 0 {
            break;
        }
        for start in (0..n).step_by(8 * SECTOR) {
            let part = &bytes[start..(start + 8 * SECTOR).min(n)];
            if part.iter().any(|byte| *byte != 0) {
                to.write_all_at(part, at + start as u64).unwrap();
            }
        }
        at += n as u64;
    }
}
