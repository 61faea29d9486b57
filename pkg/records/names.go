package records

import "slices"

// renamed lists the members that are stored in an attribute of another name: member, attribute.
func renamed() [][2]string {
	return [][2]string{
		{"customer_external_id", "customer"},
		{"plan_uuid", "plan"},
		{"subscription_external_id", "subscription"},
		{"subscription_set_external_id", "subscription_set"},
	}
}

// AttrOf is the attribute that a member is stored in.
func AttrOf(member string) string {
	if i := slices.IndexFunc(renamed(), func(r [2]string) bool { return r[0] == member }); i >= 0 {
		return renamed()[i][1]
	}
	return member
}

// MemberOf is the member that shows an attribute.
func MemberOf(attr string) string {
	if i := slices.IndexFunc(renamed(), func(r [2]string) bool { return r[1] == attr }); i >= 0 {
		return renamed()[i][0]
	}
	return attr
}
