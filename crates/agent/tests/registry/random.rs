//! Any bytes in the place of a file.

use std::fs;

use proptest::prelude::*;

use super::*;

/// Pieces of which something like a file can be made.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "[[application]]",
        "[application]",
        "[application.x]",
        "[[application.y]]",
        "[other]",
        "[[other]]",
        "guid = ",
        "name = ",
        "program = ",
        "args = ",
        "mode = ",
        "\"{305D86C6-6896-4099-91F5-CB7BA7733563}\"",
        "'Chess'",
        "\"/bin/sh\"",
        "['a', 'b']",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "{a = 1}",
        "\"\"\"",
        "'''",
        "'",
        "\"",
        "=",
        ".",
        ",",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "# note",
        "\u{feff}",
        "a",
        "1",
        "\u{1F600}",
        "\\",
        "\0",
        "1979-05-27",
    ];
    prop::sample::select(pieces.map(str::to_owned).to_vec())
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let home = Home::new();
    home.write(bytes);
    for folder in &home.paths.drop_ins {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("a.toml"), bytes).unwrap();
    }
    let before = home.registry.read();
    let new = guid(0xffff_0000_ffff);
    home.register(&home.registration(new)).unwrap();
    let after = home.registry.read();
    prop_assert!(after.apps.contains_key(&new));
    let aside = home.paths.config.join("applications.toml.damaged-1");
    let kept = if aside.exists() { fs::read(&aside).unwrap() } else { fs::read(home.file()).unwrap() };
    prop_assert!(kept.starts_with(bytes), "what was there is still there");
    prop_assert_eq!(after.apps.len(), before.apps.len() + 1);
    home.unregister(&new.to_string()).unwrap();
    prop_assert_eq!(home.registry.read().apps, before.apps);
    Ok(())
}

proptest! {
    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes)?;
    }

    #[test]
    fn pieces(pieces in prop::collection::vec(piece(), 0..30)) {
        check(pieces.concat().as_bytes())?;
    }

    #[test]
    fn one_byte_changed(at in 0_usize..400, byte: u8) {
        let home = Home::new();
        let mut bytes = format!("{}\n{}", home.entry(guid(2), "a"), home.entry(guid(3), "b")).into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        check(&bytes)?;
    }
}
