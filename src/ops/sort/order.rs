//! Keys in order on the host: by radix, or by comparison where there are few.

use crate::tensor::Real;

/// A key and where it stood as one number: in order of the key and, of equal keys, of the place.
pub(crate) trait Item: Copy + Ord + Send + Sync {
    /// Digits of a key.
    const DIGITS: usize;
    fn new(key: u64, place: u32) -> Self;
    fn key(self) -> u64;
    fn place(self) -> u32;
    /// Digit `d` of the key, the lowest first.
    fn digit(self, d: usize) -> usize;
}

/// The bits of a digit: three passes over a key of 32 bits, and counters that stay in the first cache.
const BITS: usize = 11;
const VALUES: usize = 1 << BITS;

/// Fewer are sorted by comparison: clearing the counters would take longer.
const FEW: usize = 512;

macro_rules! item {
    ($Item:ty, $Key:ty) => {
        impl Item for $Item {
            const DIGITS: usize = (<$Key>::BITS as usize).div_ceil(BITS);
            fn new(key: u64, place: u32) -> Self {
                (Self::from(key) << 32) | Self::from(place)
            }
            fn key(self) -> u64 {
                (self >> 32) as u64
            }
            fn place(self) -> u32 {
                self as u32
            }
            #[inline(always)]
            fn digit(self, d: usize) -> usize {
                (self >> (32 + d * BITS)) as usize & (VALUES - 1)
            }
        }
    };
}

item!(u64, u32);
item!(u128, u64);

/// Reals as whole numbers of the same order; −0 is 0, and every NaN is one and the last.
pub(crate) trait Keyed: Real {
    type Item: Item;
    fn key(self) -> u64;
    fn of_key(key: u64) -> Self;
}

macro_rules! keyed {
    ($R:ty, $Bits:ty, $Item:ty) => {
        impl Keyed for $R {
            type Item = $Item;
            #[inline(always)]
            fn key(self) -> u64 {
                const SIGN: $Bits = 1 << (<$Bits>::BITS - 1);
                if self.is_nan() {
                    return <$Bits>::MAX.into();
                }
                let bits = (self + 0.0).to_bits();
                (if bits & SIGN == 0 { bits | SIGN } else { !bits }).into()
            }
            #[inline(always)]
            fn of_key(key: u64) -> Self {
                const SIGN: $Bits = 1 << (<$Bits>::BITS - 1);
                let key = key as $Bits;
                Self::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
            }
        }
    };
}

keyed!(f32, u32, u64);
keyed!(f64, u64, u128);

/// The items ascending.
pub(in crate::ops) fn sorted<T: Item>(mut items: Vec<T>) -> Vec<T> {
    if items.len() < FEW {
        items.sort_unstable();
        return items;
    }
    let mut counts = vec![[0u32; VALUES]; T::DIGITS];
    for &item in &items {
        counts.iter_mut().enumerate().for_each(|(d, counts)| counts[item.digit(d)] += 1);
    }
    let mut other = items.clone();
    for (d, counts) in counts.iter_mut().enumerate() {
        // A digit that all share orders nothing.
        if counts[items[0].digit(d)] as usize == items.len() {
            continue;
        }
        let mut next = 0;
        for count in counts.iter_mut() {
            next += std::mem::replace(count, next);
        }
        for &item in &items {
            let to = &mut counts[item.digit(d)];
            other[*to as usize] = item;
            *to += 1;
        }
        std::mem::swap(&mut items, &mut other);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::{Item, Keyed, sorted};
    use crate::tensor::Philox;

    #[test]
    fn keys_are_ordered_as_reals_are() {
        let reals = [f64::NEG_INFINITY, -2.5, -f64::MIN_POSITIVE, -1e-320, 0.0, 1e-320, 1.0, f64::INFINITY];
        assert!(reals.is_sorted_by(|a, b| a.key() < b.key()));
        assert!(reals.map(|x| x as f32).is_sorted_by(|a, b| a.key() <= b.key()));
        assert_eq!(((-0.0f32).key(), (-0.0f64).key()), (0.0f32.key(), 0.0f64.key()));
        for nan in [f64::NAN, -f64::NAN] {
            assert_eq!((nan.key(), (nan as f32).key()), (u64::MAX, u32::MAX.into()));
        }
        assert!(f64::of_key(u64::MAX).is_nan() && f32::of_key(u32::MAX.into()).is_nan());
        assert!(reals.iter().all(|&x| f64::of_key(x.key()) == x && f32::of_key((x as f32).key()) == x as f32));
    }

    #[test]
    fn radix_and_comparison_agree() {
        let draws = Philox::new(0, 0, 0);
        for n in [0, 1, 511, 512, 5000] {
            let items: Vec<u64> = (0..n).map(|i| Item::new((draws.normal(i) as f32 * 4.0).round().key(), i as u32)).collect();
            let wide: Vec<u128> = items.iter().map(|&i| Item::new(f64::from(f32::of_key(i.key())).key(), i.place())).collect();
            let (found, of_wide) = (sorted(items.clone()), sorted(wide));
            let mut wanted = items;
            wanted.sort();
            assert_eq!(found, wanted);
            assert!(of_wide.iter().zip(&found).all(|(a, b)| a.place() == b.place()));
        }
    }
}
