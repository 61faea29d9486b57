package awsfake

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Secrets serves Secrets Manager in memory over the JSON protocol of aws-sdk-go-v2. It is safe for concurrent use.
type Secrets struct {
	mu     sync.Mutex
	values map[string]string // by name
}

// NewSecrets returns a Secrets Manager with these secrets, by name.
func NewSecrets(values map[string]string) *Secrets {
	s := &Secrets{values: map[string]string{}}
	maps.Copy(s.values, values)
	return s
}

// Names lists the secrets that there are, sorted.
func (s *Secrets) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.values))
}

// ServeHTTP answers one operation, named by the header X-Amz-Target.
func (s *Secrets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.serve(r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		api := asAPIError(err)
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"__type": api.code, "Message": api.message}
	}
	_ = json.NewEncoder(w).Encode(answer) // it fails only if the client has gone away
}

type secretInput struct {
	Name                       string // of CreateSecret
	SecretID                   string `json:"SecretId"`
	SecretString               string
	ForceDeleteWithoutRecovery bool
}

func (s *Secrets) serve(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	return answerTo(r, func(in secretInput) (any, error) {
		if operation == "CreateSecret" {
			return s.create(in)
		}
		if _, there := s.values[in.SecretID]; !there {
			return nil, &apiError{code: "ResourceNotFoundException", message: "Secrets Manager can't find the specified secret."}
		}
		return s.change(operation, in)
	})
}

// secretName is what Secrets Manager takes as a name.
var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

func (s *Secrets) create(in secretInput) (any, error) {
	if !secretName.MatchString(in.Name) {
		return nil, &apiError{code: "ValidationException", message: "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"}
	}
	if _, there := s.values[in.Name]; there {
		return nil, &apiError{code: "ResourceExistsException", message: "The operation failed because the secret already exists."}
	}
	s.values[in.Name] = in.SecretString
	return named(in.Name), nil
}

// change does what is asked of a secret that is there. A secret that can be recovered is not deleted here: nobody asks
// for that.
func (s *Secrets) change(operation string, in secretInput) (any, error) {
	switch {
	case operation == "GetSecretValue":
		out := named(in.SecretID)
		out["SecretString"] = s.values[in.SecretID]
		return out, nil
	case operation == "PutSecretValue":
		s.values[in.SecretID] = in.SecretString
	case operation == "DeleteSecret" && in.ForceDeleteWithoutRecovery:
		delete(s.values, in.SecretID)
	default:
		return nil, &apiError{code: "InvalidRequestException", message: "the stand-in has no operation " + operation}
	}
	return named(in.SecretID), nil
}

func named(secret string) map[string]string {
	return map[string]string{"Name": secret, "ARN": "arn:aws:secretsmanager:local:" + account + ":secret:" + secret + "-AbCdEf"}
}
