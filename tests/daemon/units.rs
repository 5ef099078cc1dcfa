//! The units for systemd: rated by its own tool, and with what the broker needs left open.

use std::process::Command;

use crate::host::skip;

const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/systemd");

#[test]
fn the_system_service_is_rated_well() {
    let rate = |unit: &str| {
        let mut command = Command::new("systemd-analyze");
        // The threshold is ten times the exposure that is shown; beyond 5 it is not `OK`.
        command.args(["security", "--offline=true", "--threshold=50", unit]);
        command.output()
    };
    let Ok(rated) = rate(&format!("{UNITS}/system/lobsterpot.service")) else {
        return skip("the rating of the unit: needs systemd-analyze");
    };
    assert!(rated.status.success(), "{rated:?}");
    // The tool does tell services apart.
    let open = tempfile::tempdir().unwrap();
    let unit = open.path().join("open.service");
    std::fs::write(&unit, "[Service]\nExecStart=/bin/true\n").unwrap();
    let rated = rate(unit.to_str().unwrap()).unwrap();
    assert!(!rated.status.success(), "{rated:?}");
}

/// What would cost the view, the broker itself, or the record of what commands tried, as the
/// comments in the units say.
#[test]
fn what_the_broker_needs_is_left_open() {
    for unit in ["lobsterpot.service", "system/lobsterpot.service"] {
        let text = std::fs::read_to_string(format!("{UNITS}/{unit}")).unwrap();
        let settings = text.lines().filter(|line| !line.starts_with('#'));
        for setting in settings {
            let name = setting.split('=').next().unwrap();
            let costs = [
                "RestrictNamespaces",
                "PrivateUsers",
                "PrivateDevices",
                "ProtectProc",
                "ProcSubset",
                "ProtectControlGroups",
                "ProtectKernelTunables",
                "ProtectKernelLogs",
                "ProtectHostname",
                "RestrictSUIDSGID",
                "MemoryDenyWriteExecute",
                "SystemCallFilter",
                "RestrictAddressFamilies",
                "LockPersonality",
            ];
            assert!(!costs.contains(&name), "{unit}: {setting}");
        }
    }
}
