//! What could be read in the session that may hold a secret: what to change, in which order.
//!
//! Names alone. No value is ever in a report, nor in what a report is made from.

use super::markup::{Markup, counted};
use super::story::{Story, Use};
use crate::model::secret_file;

/// The most rows.
const MOST: usize = 200;

/// Names that may hold a secret, and that a principal can read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exposure {
    /// The files.
    pub files: Vec<ExposedName>,
    /// The variables that commands get.
    pub variables: Vec<ExposedName>,
    /// How many names were looked at.
    pub looked_at: u64,
    /// Whether there were more names than a report looks at.
    pub is_cut_off: bool,
    /// Directories that could not be looked into.
    pub unreadable: u64,
}

/// One name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExposedName {
    /// The path, or the variable's name.
    pub name: String,
    /// What such a file or variable holds.
    pub holds: &'static str,
}

/// The section of the page.
pub(super) fn section(story: &Story, exposure: Result<&Exposure, &str>, page: &mut Markup) {
    page.put("<section><h2>Secrets within reach</h2>");
    match exposure {
        Ok(exposure) => {
            page.put(
                "<p>Files and variables that, by their names, may hold a secret, and that the ",
            );
            page.put("policy lets this principal read <strong>as it stands today</strong> (");
            page.text(&story.head().policy)
                .put("). What was read should be changed first. ");
            page.put("Values are not shown, and were not looked at.</p>");
            files(story, exposure, page);
            variables(exposure, page);
        }
        Err(why) => {
            page.put("<p>What can be read under the policy could not be looked at: ");
            page.text(why).put("</p>");
        }
    }
    gone(story, exposure.ok(), page);
    page.put("</section>");
}

fn files(story: &Story, exposure: &Exposure, page: &mut Markup) {
    let mut rows: Vec<_> = exposure
        .files
        .iter()
        .map(|file| (story.use_of(&file.name), file))
        .collect();
    rows.sort();
    page.put("<h3>Files</h3>");
    if rows.is_empty() {
        page.put("<p class=\"none\">None.</p>");
    } else {
        page.put("<div class=\"wide\"><table><thead><tr><th>in this session</th><th>file</th>");
        page.put("<th>may hold</th></tr></thead><tbody>");
        for (how, file) in rows.iter().take(MOST) {
            page.put("<tr><td>").put(match how {
                Use::Read => "<span class=\"tag read\">read</span>",
                Use::Named => "<span class=\"tag named\">named in a command</span>",
                Use::None => "<span class=\"said\">nothing on record</span>",
            });
            page.between(
                "</td><td><code>",
                story.local(&file.name),
                "</code></td><td>",
            );
            page.text(file.holds).put("</td></tr>");
        }
        page.put("</tbody></table></div>");
    }
    page.put("<p class=\"note\">");
    page.text(&counted(exposure.looked_at, "name was", "names were"));
    page.put(" looked at");
    if rows.len() > MOST {
        let more = counted((rows.len() - MOST) as u64, "file more is", "files more are");
        page.put("; ").text(&more).put(" not shown");
    }
    if exposure.is_cut_off {
        page.put("; <strong>there are more names than a report looks at</strong>");
    }
    if exposure.unreadable > 0 {
        let many = counted(exposure.unreadable, "directory", "directories");
        page.put("; ").text(&many).put(" could not be looked into");
    }
    page.put(". What a command reads of them is not on record, unless it named the file.</p>");
}

fn variables(exposure: &Exposure, page: &mut Markup) {
    page.put("<h3>Variables that commands get</h3>");
    if exposure.variables.is_empty() {
        page.put("<p class=\"none\">None.</p>");
        return;
    }
    page.put("<ul class=\"plain\">");
    for variable in exposure.variables.iter().take(MOST) {
        page.between("<li><code>", &variable.name, "</code> ");
        page.between("<span class=\"said\">", variable.holds, "</span></li>");
    }
    page.put("</ul>");
}

/// What the session read or named, and what the walk of today does not find.
fn gone(story: &Story, exposure: Option<&Exposure>, page: &mut Markup) {
    let is_found = |path: &&String| {
        exposure.is_some_and(|found| found.files.iter().any(|file| file.name == **path))
    };
    let gone: Vec<_> = story.read.iter().filter(|path| !is_found(path)).collect();
    if gone.is_empty() {
        return;
    }
    page.put("<h3>Read in this session, and not found today</h3><ul class=\"plain\">");
    for path in gone.iter().take(MOST) {
        let holds = secret_file(path).map_or("", |kind| kind.holds);
        page.between(
            "<li><span class=\"tag read\">read</span> <code>",
            path,
            "</code> ",
        );
        page.between("<span class=\"said\">", holds, "</span></li>");
    }
    page.put("</ul>");
}
