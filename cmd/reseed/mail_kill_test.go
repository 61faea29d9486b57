package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"reseed/internal/effort"
	"reseed/internal/mailtest"
)

// TestKillMessages kills the command at each change that an import with --mail makes: also between the
// mark that a try begins and the sending, and between the server's answer and the mark that it was
// sent. The next process sends what was not sent. The server gets one mail of each job that has ended, a
// second copy only if the process died before it could note the answer, and all copies have one
// Message-ID.
func TestKillMessages(t *testing.T) {
	t.Parallel()
	k := &killer{bin: commands(t)}
	rows := filepath.Join(t.TempDir(), "customers.csv")
	if err := os.WriteFile(rows, []byte("Name,External ID\nAnn,c1\nBob,c2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	undisturbed, kept := k.tellOnce(t, rows, fate{})
	if undisturbed.status != exitDone || undisturbed.made[transact] < 10 || len(kept) != 1 || kept[0] != 1 {
		t.Fatalf("%+v, mails %v", undisturbed, kept)
	}
	doubled := 0
	for n := range effort.Cases(t.Name(), undisturbed.made[transact], 1) {
		for _, when := range []string{before, after} {
			end, kept := k.tellOnce(t, rows, fate{transact, n, when})
			if !end.killed && n <= undisturbed.made[transact]*3/4 {
				t.Fatalf("commit %d: it was not killed: %+v", n, end)
			}
			for _, copies := range kept {
				if copies == 2 {
					doubled++
				}
				if copies > 2 {
					t.Errorf("%s commit %d: %d copies of a mail", when, n, copies)
				}
			}
			if len(kept) > 1 {
				t.Errorf("%s commit %d: mails of %d jobs", when, n, len(kept))
			}
		}
	}
	if doubled > 2 { // the process died before the commit that notes the answer
		t.Errorf("%d mails were sent twice", doubled)
	}
}

// tellOnce imports rows with --mail in a process that dies by fate, lets other processes go on, and
// returns how that process ended, and how many copies of each mail the server got.
func (k *killer) tellOnce(t *testing.T, rows string, by fate) (end outcome, copies []int) {
	t.Helper()
	server, data := mailtest.Start(t, mailtest.Options{}), t.TempDir()
	ca := filepath.Join(data, "ca.pem")
	if err := os.WriteFile(ca, server.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	at := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
	sc := &scenario{killer: k, piece: wholeBytes, env: []string{
		"SSL_CERT_FILE=" + ca, "RESEED_SMTP_URL=smtp://reseed%40acme.example:hunter2%2Fand%3Amore@" + at, "RESEED_MAIL_FROM=reseed@acme.example", "RESEED_MAIL_TO=ann@acme.example",
	}}
	end = sc.start(t, data, filepath.Join(t.TempDir(), "tally"), []string{"import", "--source", companyName, "--mail", rows}, by).ended()
	sc.start(t, data, "", []string{"import", "--source", companyName, rows}, fate{}).succeeded(t) // it waits for its turn
	sc.start(t, data, "", []string{"jobs"}, fate{}).succeeded(t)
	seen := map[string]int{}
	for _, m := range server.Mails() {
		seen[m.Header.Get("Message-ID")]++
	}
	for _, n := range seen {
		copies = append(copies, n)
	}
	ended := 0
	for _, j := range lookAt(t, data).jobs {
		if !j.Status.Ended() {
			t.Fatalf("%+v: job %s is %s", by, j.ID, j.Status)
		}
		if !j.Quiet {
			ended++
		}
	}
	if len(copies) != ended {
		t.Errorf("%+v: %d jobs have ended, mails of %d", by, ended, len(copies))
	}
	return end, copies
}
