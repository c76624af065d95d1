//! Axes: where a value lies between two ends of a picture, and which values get a mark. Knows no
//! SVG and no unit.

/// Values from `low` to `high` along a length.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    /// Equal ratios are equally far apart, instead of equal differences.
    is_log: bool,
    pub(crate) ticks: Vec<f64>,
}

impl Scale {
    /// From 0 where the values are of one size; in equal ratios where they are not, because small
    /// ones would all lie on the ground.
    pub(crate) fn over(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<_> = values.filter(|value| *value > 0.0 && value.is_finite()).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        match values.len() {
            0 => Self::linear(1.0),
            _ if high / low > RATIO_MAX => Self::log(low, high),
            _ => Self::linear(high),
        }
    }

    fn linear(high: f64) -> Self {
        let step = round_step(high / TICK_COUNT);
        let tick_count = (high / step).ceil();
        let ticks = (0_u32..).map(f64::from).take_while(|index| *index <= tick_count);
        let ticks: Vec<_> = ticks.map(|index| index * step).collect();
        Self { low: 0.0, high: tick_count * step, is_log: false, ticks }
    }

    /// Between values above 0, widened to the next marks.
    pub(crate) fn log(low: f64, high: f64) -> Self {
        let decade = |exponent: i32| 10_f64.powi(exponent);
        #[expect(clippy::cast_possible_truncation, reason = "a double has at most 308 decades")]
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let is_wide = decades.clone().count() > DECADE_COUNT_MAX;
        let marks: &[f64] = if is_wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let all: Vec<_> =
            decades.flat_map(|exponent| marks.iter().map(move |m| m * decade(exponent))).collect();
        let low = all.iter().copied().rfind(|tick| *tick <= low * (1.0 + EPSILON)).unwrap_or(low);
        let high = all.iter().copied().find(|tick| *tick >= high / (1.0 + EPSILON)).unwrap_or(high);
        let ticks = all.into_iter().filter(|tick| (low..=high).contains(tick)).collect();
        Self { low, high: high.max(low * (1.0 + EPSILON)), is_log: true, ticks }
    }

    /// From 0 at `low` to 1 at `high`; what lies outside is put on the border.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }
}

/// The next step up that people count in: 1, 2 or 5, and their tenfold.
fn round_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.log10().floor());
    let rounds = [1.0, 2.0, 5.0, 10.0].map(|mark| mark * decade);
    rounds.into_iter().find(|mark| *mark >= step / (1.0 + EPSILON)).unwrap_or(step)
}

/// Beyond this the smallest values would lie in the lowest fifth of the picture.
const RATIO_MAX: f64 = 5.0;
const TICK_COUNT: f64 = 5.0;
/// More decades have room for one mark each.
const DECADE_COUNT_MAX: usize = 5;
/// What rounding may add to a value that lies on a mark.
const EPSILON: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_size_start_at_zero() {
        let scale = Scale::over([3.0, 9.0].into_iter());
        assert_eq!(scale.ticks, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(scale.share(5.0), 0.5);
    }

    #[test]
    fn values_of_many_sizes_lie_on_decades() {
        let scale = Scale::over([0.03, 40.0].into_iter());
        assert_eq!(scale.ticks.len(), 11, "{:?}", scale.ticks);
        assert_eq!((scale.share(0.02), scale.share(50.0)), (0.0, 1.0));
        let wide = Scale::log(1.0, 1e6);
        assert_eq!(wide.ticks.len(), 7, "{:?}", wide.ticks);
        assert!((wide.share(1e3) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn nothing_and_equal_values_have_a_scale() {
        assert!(Scale::over(std::iter::empty()).share(1.0).is_finite());
        assert!(Scale::log(1.0, 1.0).share(1.0).is_finite());
        assert!(Scale::over([5.0].into_iter()).share(5.0) <= 1.0);
    }
}
