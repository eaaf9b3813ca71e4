//! The confound formula language (Ciric et al. 2022), in which fMRIPrep and XCP write their models.
//!
//! | formula | columns |
//! |---|---|
//! | `trans_x` | a column by its name |
//! | `rps`; `wm`, `csf`, `gsr` | the six of motion; white matter, CSF, global signal |
//! | `fd`, `dv` | framewise displacement, standardised DVARS |
//! | `acc`, `wcc`, `ccc` | aCompCor of the combined mask, of white matter, of CSF |
//! | `a + b`, `(a)` | both |
//! | `d1(a)`, `d1-2(a)`, `d{0,2}(a)`, `dd2(a)` | backward differences of this order, of orders 1 to 2, 0 and 2, 0 to 2 |
//! | `a^2`, `a^2-3`, `a^{1,3}`, `a^^2` | powers, likewise; `^^` from 1 |
//! | `1_[>0.5](a)` | 1 where a is above 0.5, else 0; also `<`, `>=`, `<=` |
//! | `[OR](a)`, `[AND](a)`, `[NOT](a)` | where any column of a is not 0; where all; where each is |
//! | `[SCATTER](a)` | for each frame where a column of a is not 0, a spike there |
//! | `n_{{5;wcc}}` | the first 5 of these components of CompCor |
//! | `v_{{50;wcc}}` | the first that explain 50 % of their mask's variance, by the `.json` beside the table; the one that passes it among them |
//! | `n_{{5;a_comp_cor;Mask=CSF,WM}}`, `v_{{..}}` likewise | of the columns called `a_comp_cor_…`, those of each mask |
//!
//! The first value of a column may be missing where the column is compared or used as a mark: it then exceeds nothing and marks nothing.
//! Any other missing value is an error.
//!
//! The 36 parameters with spikes are `dd1((rps + wm + csf + gsr)^^2) + [SCATTER]([OR](1_[>0.5](fd) + 1_[>1.5](dv)))`. Operators written
//! before `( )` are applied first: `dd1(a)^^2` gives the powers of the differences, as fMRIPrep's `_derivative1_power2`.

use super::compcor::Count;
use super::{Column, Confounds, censor, filled};
use crate::{Error, Result};

/// The greatest depth of nested parentheses.
const DEPTH: usize = 64;
/// The greatest number of columns that a formula or a part of it may make.
const COLUMNS: usize = 10_000;
/// The greatest memory, in bytes, that the values and names of these columns may take.
const BYTES: usize = 1 << 30;

/// The columns of a formula over a table. First values that are missing, in the table or because a difference does not define them, are
/// filled with the first value that is there. A formula nests at most 64 deep, and no part of it may make more than 10,000 columns or take
/// more than 1 GiB.
///
/// # Errors
/// Returns an error where the formula cannot be parsed or makes too many columns (the message gives the character), where the table lacks a
/// column, or where any other value is missing.
pub fn columns(formula: &str, table: &Confounds) -> Result<Vec<Column>> {
    let mut parser = Parser { text: formula.as_bytes(), at: 0, table, order: 0, depth: 0 };
    let found =
        parser.sum().and_then(|found| if parser.at == parser.text.len() { Ok(found) } else { Err(parser.expected("`+` or the end")) });
    let order = parser.order.max(1);
    let mut columns: Vec<Column> = Vec::new();
    for column in found? {
        if columns.iter().all(|c| c.name != column.name) {
            columns.push(filled(column, order)?);
        }
    }
    Ok(columns)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    table: &'a Confounds,
    /// The highest order of difference so far, which is the number of leading values that are missing.
    order: usize,
    /// The number of open parentheses.
    depth: usize,
}

type Columns = Vec<Column>;

impl Parser<'_> {
    fn expected(&self, what: &str) -> Error {
        let rest = String::from_utf8_lossy(&self.text[self.at..]);
        let shown: String = rest.chars().take(40).collect();
        let found = if rest.is_empty() { "the end".into() } else { format!("`{}`", shown.escape_debug()) };
        self.wrong(format!("{what} expected, found {found}"))
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::argument(format!("confound formula, character {}: {what}", self.at + 1))
    }

    /// Checks that `times` as many columns as these, together with `more`, stay within the limits of number and memory.
    fn fits(&self, columns: &[Column], times: usize, more: &[Column]) -> Result<()> {
        let bytes = |columns: &[Column]| columns.iter().map(|c| size_of_val(&c.values[..]) + c.name.len()).sum::<usize>();
        let count = columns.len().saturating_mul(times).saturating_add(more.len());
        if count > COLUMNS {
            return Err(self.wrong(format!("{count} columns, and at most {COLUMNS} are possible")));
        }
        match bytes(columns).saturating_mul(times).saturating_add(bytes(more)) {
            bytes if bytes > BYTES => Err(self.wrong(format!("{count} columns of {bytes} bytes, and at most {BYTES} bytes are possible"))),
            _ => Ok(()),
        }
    }

    fn space(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// True where `token` comes next; the parser then moves past it.
    fn take(&mut self, token: &str) -> bool {
        self.space();
        let here = self.text[self.at..].starts_with(token.as_bytes());
        self.at += if here { token.len() } else { 0 };
        here
    }

    fn must(&mut self, token: &str) -> Result<()> {
        if self.take(token) { Ok(()) } else { Err(self.expected(&format!("`{token}`"))) }
    }

    /// The longest run of characters that `fits` accepts.
    fn word(&mut self, fits: impl Fn(u8) -> bool) -> String {
        let from = self.at;
        while self.text.get(self.at).is_some_and(|&b| fits(b)) {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.text[from..self.at]).into_owned()
    }

    fn sum(&mut self) -> Result<Columns> {
        let mut all = self.term()?;
        while self.take("+") {
            let more = self.term()?;
            self.fits(&all, 1, &more)?;
            all.extend(more);
        }
        self.space();
        Ok(all)
    }

    fn term(&mut self) -> Result<Columns> {
        let mut columns = self.primary()?;
        loop {
            let from_one = self.take("^^");
            if !from_one && !self.take("^") {
                return Ok(columns);
            }
            let powers = self.numbers(from_one.then_some(1))?;
            self.fits(&columns, powers.len(), &[])?;
            columns = columns.iter().flat_map(|c| powers.iter().map(|&p| power(c, p))).collect();
        }
    }

    fn group(&mut self) -> Result<Columns> {
        if self.depth == DEPTH {
            return Err(self.wrong(format!("more than {DEPTH} parentheses are open")));
        }
        self.must("(")?;
        self.depth += 1;
        let columns = self.sum()?;
        self.depth -= 1;
        self.must(")")?;
        Ok(columns)
    }

    fn primary(&mut self) -> Result<Columns> {
        self.space();
        let difference = |n: usize| self.text.get(self.at + n).is_some_and(|b| b.is_ascii_digit() || *b == b'{');
        let rest = &self.text[self.at..];
        match rest {
            [b'(', ..] => self.group(),
            [b'[', ..] => self.flags(),
            [b'1', b'_', ..] => self.indicator(),
            [b'n' | b'v', b'_', b'{', b'{', ..] => self.components(),
            [b'd', b'd', ..] if difference(2) => self.differences(2, Some(0)),
            [b'd', ..] if difference(1) => self.differences(1, None),
            _ => self.name(),
        }
    }

    fn differences(&mut self, letters: usize, from: Option<usize>) -> Result<Columns> {
        self.at += letters;
        let orders = self.numbers(from)?;
        self.order = orders.iter().copied().fold(self.order, usize::max);
        let columns = self.group()?;
        self.fits(&columns, orders.len(), &[])?;
        Ok(columns.iter().flat_map(|c| orders.iter().map(|&n| differenced(c, n))).collect())
    }

    /// Parses `n`, `a-b` or `{a,b}`. Where `from` is given, `n` stands for all numbers from `from` to n.
    fn numbers(&mut self, from: Option<usize>) -> Result<Vec<usize>> {
        if self.take("{") {
            let mut numbers = vec![self.number()?];
            while self.take(",") {
                numbers.push(self.number()?);
            }
            self.must("}")?;
            return Ok(numbers);
        }
        let first = self.number()?;
        let (from, to) = match from {
            Some(from) => (from, first),
            None if self.take("-") => (first, self.number()?),
            None => (first, first),
        };
        if from > to {
            return Err(self.wrong(format!("orders and powers from {from} to {to} are none at all")));
        }
        Ok((from..=to).collect())
    }

    /// Parses an order or a power of one or two digits.
    fn number(&mut self) -> Result<usize> {
        self.space();
        let at = self.at;
        let digits = self.word(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|&n: &usize| n < 100).ok_or_else(|| {
            self.at = at;
            self.expected("a whole number below 100")
        })
    }

    fn indicator(&mut self) -> Result<Columns> {
        self.must("1_[")?;
        let relation: fn(f64, f64) -> bool = match () {
            () if self.take(">=") => |x, y| x >= y,
            () if self.take("<=") => |x, y| x <= y,
            () if self.take(">") => |x, y| x > y,
            () if self.take("<") => |x, y| x < y,
            () => return Err(self.expected("one of `>`, `<`, `>=`, `<=`")),
        };
        self.space();
        let at = self.at;
        let limit: f64 = self.word(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)).parse().map_err(|_| {
            self.at = at;
            self.expected("a number")
        })?;
        self.must("]")?;
        let name = String::from_utf8_lossy(&self.text[at..self.at - 1]).into_owned();
        let columns = self.group()?;
        Ok(columns.iter().map(|c| mapped(c, &format!("1_[{name}]({})", c.name), |x| flag(!x.is_nan() && relation(x, limit)))).collect())
    }

    fn flags(&mut self) -> Result<Columns> {
        let word = ["[OR]", "[AND]", "[NOT]", "[SCATTER]"].into_iter().find(|word| self.take(word));
        let word = word.ok_or_else(|| self.expected("one of `[OR]`, `[AND]`, `[NOT]`, `[SCATTER]`"))?;
        let columns = self.group()?;
        let frames = self.table.frames();
        let joined = |any: bool| -> Columns {
            let at =
                |t: usize| if any { columns.iter().any(|c| flagged(c.values[t])) } else { columns.iter().all(|c| flagged(c.values[t])) };
            let names: Vec<&str> = columns.iter().map(|c| &c.name[..]).collect();
            vec![Column { name: format!("{word}({})", names.join(" + ")), values: (0..frames).map(|t| flag(at(t))).collect() }]
        };
        Ok(match word {
            "[OR]" => joined(true),
            "[AND]" => joined(false),
            "[NOT]" => columns.iter().map(|c| mapped(c, &format!("[NOT]({})", c.name), |x| flag(!flagged(x)))).collect(),
            _ => {
                let spikes = columns.iter().map(|c| c.values.iter().filter(|x| flagged(**x)).count()).sum();
                let each = Column { name: String::new(), values: vec![0.0; frames] };
                self.fits(&[each], spikes, &[])?;
                columns.iter().flat_map(|c| censor::spikes(&c.values.iter().map(|&x| !flagged(x)).collect::<Vec<_>>())).collect()
            }
        })
    }

    /// Parses `n_{{count;variable;Mask=A,B}}` or `v_{{percent;variable;Mask=A,B}}`.
    fn components(&mut self) -> Result<Columns> {
        let (at, by_count) = (self.at, self.text[self.at] == b'n');
        self.at += "n_{{".len();
        let count = match by_count {
            true => Count::First(self.number()?),
            false => Count::Variance(self.percent()? / 100.0),
        };
        self.must(";")?;
        self.space();
        let name = self.word(|b| b.is_ascii_alphanumeric() || b == b'_');
        let mut masks = Vec::new();
        if self.take(";") {
            self.must("Mask=")?;
            masks.push(self.word(|b| b.is_ascii_alphanumeric()));
            while self.take(",") {
                masks.push(self.word(|b| b.is_ascii_alphanumeric()));
            }
        }
        self.must("}}")?;
        let table = self.table;
        let stem = format!("{}_", name.trim_end_matches('_'));
        let groups: Vec<(String, Vec<String>)> = match (&name[..], masks.is_empty()) {
            ("acc" | "wcc" | "ccc", _) => vec![(name.clone(), self.names(&name))],
            (_, true) => vec![(name.clone(), table.numbered(&stem))],
            (_, false) => {
                let of = |mask: String| {
                    let within = table.numbered(&stem).into_iter().filter(|c| table.masks.get(c) == Some(&mask)).collect();
                    (format!("{name} in {mask}"), within)
                };
                masks.into_iter().map(of).collect()
            }
        };
        let chosen =
            groups.iter().map(|(of, names)| count.of(table, names, &format!("CompCor components of {of}"))).collect::<Result<Vec<_>>>();
        let chosen = chosen.map_err(|e| Error::argument(format!("confound formula, character {}: {e}", at + 1)))?.concat();
        self.taken(&chosen)
    }

    fn percent(&mut self) -> Result<f64> {
        self.space();
        let at = self.at;
        let number = self.word(|b| b.is_ascii_digit() || b == b'.').parse().ok();
        number.filter(|p| (0.0..=100.0).contains(p)).ok_or_else(|| {
            self.at = at;
            self.expected("a percentage")
        })
    }

    fn name(&mut self) -> Result<Columns> {
        let at = self.at;
        let name = self.word(|b| b.is_ascii_alphanumeric() || b == b'_');
        if name.is_empty() {
            return Err(self.expected("a confound, or one of `(`, `d1(`, `1_[`, `[OR]`"));
        }
        let names = self.names(&name);
        if !names.is_empty() && names.iter().all(|n| self.table.get(n).is_some()) {
            return self.taken(&names);
        }
        let missing: Vec<&str> = names.iter().map(String::as_str).filter(|n| self.table.get(n).is_none()).collect();
        let missing = if missing.is_empty() { format!("that `{name}` stands for") } else { super::quoted(&missing) };
        Err(Error::argument(format!("confound formula, character {}: the confound table has no column {missing}", at + 1)))
    }

    /// Columns of the table, of which only the first values may be missing. Further leading values that a formula's columns miss come from
    /// its differences.
    fn taken(&self, names: &[String]) -> Result<Columns> {
        let columns: Columns = names.iter().filter_map(|n| self.table.get(n)).cloned().collect();
        columns.iter().try_for_each(|c| censor::missing_after(c, 1))?;
        Ok(columns)
    }

    /// The column names that a name in a formula stands for.
    fn names(&self, name: &str) -> Vec<String> {
        let one = |name: &str| vec![name.to_owned()];
        match name {
            "rps" => ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"].map(str::to_owned).to_vec(),
            "wm" => one("white_matter"),
            "gsr" => one("global_signal"),
            "fd" => one("framewise_displacement"),
            "dv" => one("std_dvars"),
            "acc" => self.table.components("combined"),
            "wcc" => self.table.components("WM"),
            "ccc" => self.table.components("CSF"),
            _ => one(name),
        }
    }
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

/// True where a value marks its frame. A missing value does not.
fn flagged(x: f64) -> bool {
    !x.is_nan() && x != 0.0
}

fn mapped(column: &Column, name: &str, f: impl Fn(f64) -> f64) -> Column {
    Column { name: name.to_owned(), values: column.values.iter().map(|&x| f(x)).collect() }
}

fn power(column: &Column, p: usize) -> Column {
    if p == 1 {
        return column.clone();
    }
    mapped(column, &format!("{}^{p}", column.name), |x| x.powi(p as i32))
}

/// The n-fold backward difference, x_t − x_{t−1} repeated n times. It is NaN where there is no frame before.
fn differenced(column: &Column, n: usize) -> Column {
    if n == 0 {
        return column.clone();
    }
    let mut values = column.values.clone();
    for _ in 0..n {
        values = (0..values.len()).map(|t| if t == 0 { f64::NAN } else { values[t] - values[t - 1] }).collect();
    }
    Column { name: format!("d{n}({})", column.name), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(formula: &str, frames: usize) -> Result<Vec<Column>> {
        let column = |name: &str, scale: f64| Column { name: name.into(), values: (0..frames).map(|t| scale * (t + 1) as f64).collect() };
        columns(formula, &Confounds { columns: vec![column("csf", 1.0), column("framewise_displacement", -2.0)], ..Confounds::default() })
    }

    #[test]
    fn depth_and_size_are_limited() {
        let nested = |n: usize| format!("{}csf{}", "(".repeat(n), ")".repeat(n));
        assert_eq!(of(&nested(64), 3).unwrap().len(), 1);
        for (formula, part) in [
            (nested(65), "64 parentheses"),
            (nested(1_000_000), "64 parentheses"),
            ("((csf^^99)^^99)^^99".into(), "970299 columns"),
            ("dd99(dd99(dd99(csf)))".into(), "1000000 columns"),
            (vec!["csf^^99"; 102].join(" + "), "10098 columns"),
            ("csf^3-1".into(), "from 3 to 1"),
            ("csf^^0".into(), "from 1 to 0"),
        ] {
            let error = of(&formula, 3).unwrap_err().to_string();
            assert!(error.contains(part) && error.len() < 200 && !error.contains('\n'), "{error}");
        }
        // The spikes of 9,000 frames take 648 MB, and those of two columns twice as much.
        let error = of("[SCATTER](csf + fd)", 9_000).unwrap_err().to_string();
        assert!(error.contains("18000 columns"), "{error}");
        let error = of("(csf + fd)^^99", 1_000_000).unwrap_err().to_string();
        assert!(error.contains("bytes are possible"), "{error}");
        assert!(of("cs\nf", 3).unwrap_err().to_string().lines().count() == 1);
    }
}
