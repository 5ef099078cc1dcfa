//! What the tripwire costs: printed with `--nocapture`, never judged.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use super::world::World;

/// The median time of a call, in microseconds.
fn median(rounds: usize, mut call: impl FnMut(usize)) -> f64 {
    let mut times: Vec<_> = (0..rounds)
        .map(|round| {
            let start = Instant::now();
            call(round);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[rounds / 2].as_secs_f64() * 1e6
}

fn opening(path: &Path) -> f64 {
    median(20_000, |_| drop(fs::File::open(path)))
}

fn looking(path: &Path) -> f64 {
    median(20_000, |_| {
        let _ = nix::sys::stat::stat(path);
    })
}

fn denied(name: &str) {
    assert!(nix::sys::stat::stat(name).is_err());
}

#[test]
fn the_cost_is_printed() {
    let Some(world) = World::new(None) else {
        return;
    };
    let path = world.path("granted/file");
    let missing = world.path("granted/missing");
    let native = [opening(&path), looking(&path), looking(&missing)];
    let mut watch = world.watch(|tell| {
        let inside = [opening(&path), looking(&path), looking(&missing)];
        let granted = ["open", "stat", "stat of a missing name"];
        for ((what, inside), native) in granted.iter().zip(inside).zip(native) {
            let ratio = inside / native;
            writeln!(tell, "granted {what}: {inside:.2} µs, {ratio:.2} of native")?;
        }
        let names: Vec<_> = (0..4000).map(|number| format!("/{number}")).collect();
        let told = median(500, |round| denied(&names[round]));
        let summed = median(3000, |round| denied(&names[1000 + round]));
        let equal = median(40, |_| denied("/same"));
        let counted = median(3000, |_| denied("/same"));
        writeln!(
            tell,
            "denied stat: told {told:.2} µs, looked at {equal:.2} µs"
        )?;
        writeln!(
            tell,
            "denied stat: counted {counted:.2} µs, summed {summed:.2} µs"
        )
    });
    eprintln!("{}", watch.told());
    assert!(watch.seen().tally.total > 0);
    assert_eq!(watch.end(), 0);
}
