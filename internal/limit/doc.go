// Package limit counts who has how much of what there is, and says when it is
// enough: a Tally what is open by key, a Rate what begins per second by key, Bans the
// logins that fail.
//
// It refuses nothing by itself and knows neither sessions nor policies: whoever
// asks it says what the limit is, each time, so that a limit may change while
// things are counted. Its data comes from those calls and goes nowhere else.
// All are bounded: a Tally by what is open, a Rate by how many keys it was made
// for, Bans by a constant.
package limit
