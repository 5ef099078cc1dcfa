//! The page in a real browser: what is text stays text, and what would run does not.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{elements, hostile_exposure, hostile_session};

/// Names under which the browser is installed.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How long the browser may take on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The page as the browser has it after everything that runs has run; none where there is no
/// browser that works.
fn rendered(directory: &Path, page: &str) -> Option<String> {
    let (file, dump) = (directory.join("page.html"), directory.join("dump"));
    std::fs::write(&file, page).unwrap();
    let started = NAMES.iter().find_map(|name| {
        Command::new(name)
            .args(["--headless=new", "--disable-gpu", "--no-first-run"])
            // It is root, or in a container, where the browser's own sandbox cannot be had.
            .args(["--no-sandbox", "--disable-dev-shm-usage"])
            .arg(format!(
                "--user-data-dir={}",
                directory.join("profile").display()
            ))
            .arg("--dump-dom")
            .arg(format!("file://{}", file.display()))
            .env("HOME", directory)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&dump).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .ok()
    });
    let mut browser = started?;
    let begun = Instant::now();
    while browser.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            browser.kill().unwrap();
            browser.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let dom = std::fs::read_to_string(&dump).unwrap();
    dom.contains("</html>").then_some(dom)
}

#[test]
fn a_browser_sees_text_where_a_record_is_hostile() {
    let directory = tempfile::tempdir().unwrap();
    let rendered = |page: &str| rendered(directory.path(), page);
    let script = "<script>document.title='ran'</script>";
    let control = format!("<!DOCTYPE html><html><head><title>no</title></head>{script}</html>");
    let Some(control) = rendered(&control) else {
        let required = std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_some();
        assert!(!required, "not tested on this host: the page in a browser");
        eprintln!("SKIPPED: the page in a browser: there is none that works");
        return;
    };
    assert!(
        control.contains("<title>ran</title>"),
        "scripts run: {control}"
    );
    let page = hostile_session().page(Ok(hostile_exposure()));
    let dom = rendered(&page).expect("the page, after another was shown");
    elements::check(&dom);
    assert!(!dom.contains("<title>ran"), "{dom}");
    let tags = |page: &str, tag: &str| page.matches(tag).count();
    for tag in ["<rect", "<li", "<tr", "<code", "<section", "<svg"] {
        assert_eq!(tags(&dom, tag), tags(&page, tag), "{tag}");
    }
    // And if it were markup after all, it would not run.
    let injected = page.replacen("<main>", &format!("<main>{script}"), 1);
    let dom = rendered(&injected).expect("the page, after another was shown");
    assert!(
        dom.contains("<script>") && !dom.contains("<title>ran"),
        "{dom}"
    );
    let open = injected.replacen("http-equiv=\"Content-Security-Policy\"", "name=\"x\"", 1);
    let dom = rendered(&open).expect("the page, after another was shown");
    assert!(dom.contains("<title>ran"), "the policy was what held it");
}
