package chargify

import (
	"math/big"
	"slices"

	"reseed/pkg/billing"
	"reseed/pkg/source/system"
)

// finest is how many decimals an exact amount has.
const finest = 18

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// exact is an amount in the finest unit; 0 if there is none.
func (b *bill) exact(d system.Decimal, field string) *big.Int {
	if d == "" {
		return new(big.Int)
	}
	amount, decimals, ok := system.ParseDecimal(string(d))
	if !ok {
		b.Fail(system.BadAmount, field, "The amount is no decimal number, or too large.")
		return new(big.Int)
	}
	return new(big.Int).Mul(big.NewInt(amount), power(finest-decimals))
}

// optional converts an amount of the invoice that may not be given.
func (b *bill) optional(d system.Decimal, field string) int64 {
	if d == "" {
		return 0
	}
	return b.Decimal(string(d), field)
}

// spread rounds the parts of a whole, which is in minor units, so that they sum to it: all down, and then those up that lose most.
// If the parts differ from the whole by slack minor units or more, that is no matter of rounding, and ok is false.
func (b *bill) spread(parts []*big.Int, whole, slack int64, field string) (rounded []int64, ok bool) {
	unit := power(finest - billing.Exponent(b.Currency))
	rounded = make([]int64, len(parts))
	rest, order := make([]*big.Int, len(parts)), make([]int, len(parts))
	differs := new(big.Int).Mul(big.NewInt(-whole), unit)
	left := whole
	for i, p := range parts {
		differs.Add(differs, p)
		down, over := new(big.Int).DivMod(p, unit, new(big.Int))
		if !down.IsInt64() {
			b.Fail(system.BadAmount, field, "The amount is too large.")
			return rounded, true
		}
		rounded[i], rest[i], order[i] = b.Bound(down.Int64(), field), over, i
		left = b.Add(left, -rounded[i], field)
	}
	if differs.CmpAbs(new(big.Int).Mul(big.NewInt(slack), unit)) >= 0 && differs.Sign() != 0 {
		return rounded, false
	}
	if b.Fault != system.NoFault {
		return rounded, true
	}
	slices.SortStableFunc(order, func(i, j int) int { return rest[j].Cmp(rest[i]) })
	for at := 0; left > 0; at, left = at+1, left-1 {
		rounded[order[at%len(order)]]++
	}
	slices.Reverse(order)
	for at := 0; left < 0; at, left = at+1, left+1 {
		rounded[order[at%len(order)]]--
	}
	return rounded, true
}
