package importer

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/job"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// A replace that lacks a plan which others use keeps it, and says how many use it. The rows that use
// it are counted where they are read anyway: by plansNamed, or on the walk of a replace over the
// rows of its own datasets.

// mostGoing limits the plans that are to go whose uses are counted: each task keeps its counts.
const mostGoing = 50

// planUses counts the stored rows that name plans, by the external ids of the plans. Rows are seen in
// the order of their keys.
type planUses struct {
	of   map[string]job.PlanUse
	last map[string]string // the last invoice that named the plan
}

// see counts a row under a plan.
func (u *planUses) see(plan, sk string) {
	if u.of == nil {
		u.of, u.last = map[string]job.PlanUse{}, map[string]string{}
	}
	use := u.of[plan]
	switch invoice := store.ParentSK(sk); {
	case !store.RecordAt(sk).Part:
		use.Events++
	case u.last[plan] != invoice:
		use.Invoices++
		u.last[plan] = invoice
	}
	u.of[plan] = use
}

// usePlan adds rows that use a plan which the input lacks.
func (s *summary) usePlan(plan string, more job.PlanUse) {
	if more == (job.PlanUse{}) {
		return
	}
	if s.PlanUses == nil {
		s.PlanUses = map[string]job.PlanUse{}
	}
	s.PlanUses[plan] = s.PlanUses[plan].Add(more)
}

// goingPlans are the external ids of plans that this replace is to remove: the first ones, by their
// keys. It is nil for stages whose rows name no plans.
func (w *work) goingPlans(ctx context.Context, stage int) (map[string]bool, error) {
	if !namesPlans(stage) || !w.replaces(billing.Plans) {
		return nil, nil //nolint:nilnil // no plan is in no map
	}
	going := map[string]bool{}
	for r := range w.ranges {
		err := w.eachOwn(ctx, stagePlans, r, func(c *change) error {
			if id := c.before.Str("external_id"); removals(c) && id != "" && len(going) < mostGoing {
				going[id] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return going, nil
}

// seeUse counts a stored row that the input lacks, if it names a plan that is to go.
func (m *rangeMerge) seeUse(sk string, a table.Attrs) {
	if plan := a.Str(store.AttrPlan); m.going[plan] {
		m.uses.see(plan, sk)
	}
}

// usedPlans lists plans that the input lacks and that stay because others use them, the first ones by
// their external ids.
func (s *summary) usedPlans() (out []job.PlanUse) {
	for plan, use := range s.PlanUses {
		use.Plan = plan
		out = append(out, use)
	}
	slices.SortFunc(out, func(a, b job.PlanUse) int { return cmp.Compare(a.Plan, b.Plan) })
	return out[:min(len(out), firstPlans)]
}

// stillUsed says which plans stay only because rows were rejected, and are used.
func (s *summary) stillUsed() []string {
	var plans []string
	for _, use := range s.usedPlans() {
		if !slices.Contains(s.KeptPlans, use.Plan) {
			plans = append(plans, use.Plan)
		}
	}
	if len(plans) == 0 {
		return nil
	}
	return []string{"The input lacks plans that stored rows use, so these stay, too: " + s.withUses(plans) + ". Give those rows another plan, or put the plan back."}
}

// withUses lists plans with what uses them.
func (s *summary) withUses(plans []string) string {
	out := make([]string, len(plans))
	for i, plan := range plans {
		out[i] = plan
		if use, counted := s.PlanUses[plan]; counted {
			out[i] += " (used by " + use.Words() + ")"
		}
	}
	return strings.Join(out, ", ")
}

// forgetUses drops the counts of plans that go with all that uses them.
func (s *summary) forgetUses() {
	maps.DeleteFunc(s.PlanUses, func(plan string, _ job.PlanUse) bool { return !slices.Contains(s.KeptPlans, plan) })
}
