//! Every mixture of conditions against an obvious twin of RFC 9110 §13.2.2.

use super::*;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

fn date(text: &str) -> SystemTime {
    httpdate::parse_http_date(text).unwrap()
}

fn validators(is_weak: bool) -> Validators {
    let tag = EntityTag::strong("v1");
    let tag = if is_weak { tag.into_weak() } else { tag };
    Validators::new(tag, Some(date(DATE) + Duration::from_millis(700)))
}

fn wishes(is_get: bool, is_read: bool, fields: &[(&str, Option<&str>)]) -> Wishes {
    let mut wishes = Wishes { is_get, is_read, ..Wishes::default() };
    for (name, value) in fields {
        if let Some(value) = value {
            wishes.note(name, value.as_bytes());
        }
    }
    wishes
}

/// What a field says of the version: true or false, or nothing that counts.
type Case = (Option<&'static str>, Option<bool>);

const TAGS: [Case; 5] = [
    (None, None),
    (Some("*"), Some(true)),
    (Some("\"v0\", \"v1\""), Some(true)),
    (Some("\"v0\""), Some(false)),
    (Some("broken"), Some(false)),
];

/// For `If-Unmodified-Since`: whether it holds.
const DATES: [Case; 5] = [
    (None, None),
    (Some(EARLIER), Some(false)),
    (Some(DATE), Some(true)),
    (Some(LATER), Some(true)),
    (Some("yesterday"), None),
];

#[test]
fn preconditions_are_judged_in_the_order_of_the_standard() {
    let mut count = 0;
    for (if_match, matches) in TAGS {
        for (unmodified_since, is_unmodified) in DATES {
            for (if_none_match, is_known) in TAGS {
                for (modified_since, is_not_modified) in DATES {
                    for is_read in [true, false] {
                        let fields = [
                            ("If-Match", if_match),
                            ("if-unmodified-since", unmodified_since),
                            ("IF-NONE-MATCH", if_none_match),
                            ("if-modified-since", modified_since),
                        ];
                        let expected = if matches.or(is_unmodified.filter(|_| matches.is_none()))
                            == Some(false)
                        {
                            Verdict::PreconditionFailed
                        } else if is_known == Some(true) {
                            if is_read { Verdict::NotModified } else { Verdict::PreconditionFailed }
                        } else if is_known.is_none() && is_read && is_not_modified == Some(true) {
                            Verdict::NotModified
                        } else {
                            Verdict::Send
                        };
                        let wishes = wishes(is_read, is_read, &fields);
                        assert_eq!(wishes.judge(&validators(false)), expected, "{fields:?}");
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, 1250);
}

#[test]
fn weak_tags_match_for_reading_and_not_for_changing() {
    let of = |name, value| wishes(true, true, &[(name, Some(value))]);
    let weak = validators(true);
    assert_eq!(of("if-none-match", "W/\"v1\"").judge(&weak), Verdict::NotModified);
    assert_eq!(of("if-none-match", "\"v1\"").judge(&weak), Verdict::NotModified);
    assert_eq!(of("if-match", "\"v1\"").judge(&weak), Verdict::PreconditionFailed);
    assert_eq!(of("if-match", "W/\"v1\"").judge(&validators(false)), Verdict::PreconditionFailed);
    assert_eq!(of("if-match", "*").judge(&weak), Verdict::Send);
}

#[test]
fn fields_that_come_twice_are_one_list_or_no_date() {
    let mut wishes = wishes(true, true, &[]);
    assert!(wishes.is_empty());
    wishes.note("if-none-match", b"\"v0\"");
    wishes.note("if-none-match", b"\"v1\"");
    assert_eq!(wishes.judge(&validators(false)), Verdict::NotModified);
    let mut wishes = Wishes::of_get([("if-modified-since", LATER.as_bytes())]);
    assert_eq!(wishes.judge(&validators(false)), Verdict::NotModified);
    wishes.note("if-modified-since", LATER.as_bytes());
    assert_eq!(wishes.judge(&validators(false)), Verdict::Send);
}

#[test]
fn a_range_is_given_only_of_the_version_that_the_client_has() {
    let given = |is_get, is_weak, if_range| {
        let fields = [("range", Some("bytes=1-2")), ("if-range", if_range)];
        wishes(is_get, true, &fields).ranges(&validators(is_weak), 10) != Ranges::Whole
    };
    assert!(given(true, false, None));
    assert!(!given(false, false, None), "ranges are for GET");
    assert!(given(true, true, None));
    assert!(given(true, false, Some("\"v1\"")));
    assert!(!given(true, false, Some("\"v2\"")));
    assert!(!given(true, false, Some("W/\"v1\"")));
    assert!(!given(true, true, Some("\"v1\"")));
    assert!(given(true, false, Some(DATE)));
    assert!(!given(true, true, Some(DATE)));
    assert!(!given(true, false, Some(LATER)), "a date matches exactly or not");
    assert!(!given(true, false, Some("broken")));
}
