//! Prints what came out: a line per case, a column per server, and why what failed did.

use crate::cases::{Column, NAMES, Outcome};

pub(crate) fn print(columns: &[Column]) {
    let case_width = NAMES.iter().map(|name| name.len()).max().unwrap_or(0);
    print!("| {:case_width$} |", "");
    for column in columns {
        print!(" {} |", column.name);
    }
    print!("\n| {:-<case_width$} |", "");
    for column in columns {
        print!(" {:-<width$} |", "", width = column.name.len());
    }
    println!();
    for (index, name) in NAMES.iter().enumerate() {
        print!("| {name:case_width$} |");
        for column in columns {
            let word = match column.outcomes.get(index) {
                Some(Outcome::Right) => "ok",
                Some(Outcome::Absent) | None => "-",
                Some(Outcome::Wrong(_)) => "NO",
            };
            print!(" {word:width$} |", width = column.name.len());
        }
        println!();
    }
    for column in columns {
        for (name, outcome) in NAMES.iter().zip(&column.outcomes) {
            if let Outcome::Wrong(why) = outcome {
                println!("{}, {name}: {why}", column.name);
            }
        }
    }
}
