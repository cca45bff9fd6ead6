//! The language from outside: what is accepted, what is refused and in which words.

#[cfg(test)]
mod common;
#[cfg(test)]
mod complete;
#[cfg(test)]
mod invalid;
#[cfg(test)]
mod no_panic;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod slips;
#[cfg(test)]
mod spec;
