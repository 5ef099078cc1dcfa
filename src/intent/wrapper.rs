//! Commands that run another command, which is read in their place.

use super::command::Call;
use super::reading::{Reading, Verdict};
use super::row::{Order, Row};
use super::scope::Scope;
use super::word::Word;

/// How a command is followed by another one.
pub(super) struct Wrapper {
    row: Row,
    /// What stands between the options and the command.
    between: Between,
}

/// What stands between a wrapper's options and the command.
enum Between {
    Nothing,
    /// Assignments to environment variables.
    Assignments,
    /// One operand of the wrapper's own.
    One,
}

const fn wrapper(names: &'static str, text: &'static str, between: Between) -> Wrapper {
    Wrapper {
        row: Row {
            names,
            text,
            order: Order::First,
            ..Row::NONE
        },
        between,
    }
}

const WRAPPERS: &[Wrapper] = &[
    wrapper(
        "nohup setsid chronic builtin busybox unbuffer",
        "",
        Between::Nothing,
    ),
    wrapper("command exec", "-a", Between::Nothing),
    wrapper("nice", "-n --adjustment", Between::Nothing),
    wrapper("ionice", "-c --class -n --classdata -t", Between::Nothing),
    wrapper(
        "stdbuf",
        "-i -o -e --input --output --error",
        Between::Nothing,
    ),
    wrapper(
        "strace ltrace",
        "-e -o -s -a -b -E -I -O -P -S -u -X",
        Between::Nothing,
    ),
    wrapper("watch", "-n --interval", Between::Nothing),
    wrapper(
        "xargs",
        "-I -n -P -L -d -E -s -a --replace --max-args --max-procs --max-lines --delimiter --eof \
         --max-chars --arg-file --process-slot-var",
        Between::Nothing,
    ),
    wrapper("time", "-f --format -o --output", Between::Nothing),
    wrapper("timeout", "-s --signal -k --kill-after", Between::One),
    wrapper(
        "taskset chrt flock",
        "-w --timeout -E --conflict-exit-code",
        Between::One,
    ),
    wrapper(
        "env",
        "-u --unset -C --chdir -S --split-string",
        Between::Assignments,
    ),
    wrapper(
        "sudo doas",
        "-u --user -g --group -h --host -p --prompt -C --close-from -r --role -t --type -T \
         --command-timeout -U --other-user -D --chdir -R --chroot",
        Between::Assignments,
    ),
];

/// The wrapper of that name.
pub(super) fn find(name: &str) -> Option<&'static Wrapper> {
    WRAPPERS.iter().find(|wrapper| wrapper.row.is_for(name))
}

impl<'w> Reading<'w> {
    /// Reads the command that a wrapper runs.
    pub(super) fn wrapped(
        &mut self,
        wrapper: &Wrapper,
        call: &Call<'_>,
        scope: &mut Scope<'w>,
    ) -> Verdict {
        let split = wrapper.row.split(&call.words[1..]);
        let asks_only = wrapper.row.is_for("command") && split.has("-v -V");
        if asks_only {
            return Ok(());
        }
        let mut elsewhere = scope.clone();
        let scope = if split.has("-C --chdir -D") {
            elsewhere.enter(None);
            &mut elsewhere
        } else {
            scope
        };
        let is_assignment = |word: &&Word| word.beginning().contains('=');
        let before = match wrapper.between {
            Between::Nothing => 0,
            Between::One => 1,
            Between::Assignments => split.operands.iter().take_while(is_assignment).count(),
        };
        let words = split.operands.get(before..).unwrap_or_default();
        let inner = Call {
            words,
            input: call.input,
        };
        self.inner(|reading| reading.call(&inner, scope))
    }
}
