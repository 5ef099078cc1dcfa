//! The private directory: usable like any other, also where nothing else can be changed.

use super::world::{Policy, User, World};

#[test]
fn tools_can_change_what_they_made_in_scratch() {
    for policy in [Policy::ReadOnly, Policy::Workspace] {
        let world = World::new(User::Current);
        let script = "set -e; cd \"$TMPDIR\"; echo x > a; chmod 751 a; touch -d @7 a; \
                      stat -c '%a %Y' a; tar cf a.tar a; tar xf a.tar; cp -p a b; git init -q r; \
                      stat -c %Y b";
        let output = world
            .run(policy)
            .args(["sh", "-c", script])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(told, "751 7\n7\n", "{policy:?}: {errors}");
    }
}
