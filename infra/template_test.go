package infra_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// No door may do more than it says it does. SAM's own managed policies (logs, traces) are not ours to write.
func TestNoPolicySaysStar(t *testing.T) {
	t.Parallel()
	found := 0
	for id, resource := range read(t) {
		for _, s := range statements(resource) {
			found++
			if s["NotAction"] != nil {
				t.Errorf("%s allows all but something", id)
			}
			for _, action := range mentions(s["Action"]) {
				if strings.Contains(action, "*") {
					t.Errorf("%s allows %s: each action is spelt out", id, action)
				}
			}
			for _, on := range mentions(s["Resource"]) {
				if on == "*" || strings.HasPrefix(on, "arn:*") || strings.HasPrefix(on, "arn:aws:*") {
					t.Errorf("%s allows %v on %s", id, s["Action"], on)
				}
			}
			// A phone has no ARN, so what sends an SMS can only name what it may not publish to: topics, all of them.
			if not := mentions(s["NotResource"]); len(not) > 0 && (!slices.Equal(mentions(s["Action"]), []string{"sns:Publish"}) || !slices.Equal(not, []string{"arn:${AWS::Partition}:sns:*:*:*"})) {
				t.Errorf("%s allows %v on all but %s", id, s["Action"], not)
			}
		}
	}
	for id, function := range read(t).ofType("AWS::Serverless::Function") {
		policies, _ := get(function, "Properties", "Policies").([]any)
		for _, p := range policies {
			if get(p, "Statement") == nil {
				t.Errorf("%s has the policy %v: somebody else's, who may say star", id, p)
			}
		}
	}
	for id, role := range read(t).ofType("AWS::IAM::Role") {
		for _, p := range mentions(get(role, "Properties", "ManagedPolicyArns")) {
			if p != "arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess" { // traces have no ARN
				t.Errorf("%s has the policy %s: somebody else's, who may say star", id, p)
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d statements: this test no longer sees the policies", found)
	}
}

// A secret that a function is told of and can't read breaks it; one that it can read and isn't told of is a right too many.
func TestEachFunctionMayReadTheSecretsThatItsEnvironmentNamesAndNoOther(t *testing.T) {
	t.Parallel()
	template := read(t)
	secrets := template.ofType("AWS::SecretsManager::Secret")
	for id, function := range template.ofType("AWS::Serverless::Function") {
		var told, may []string
		for _, v := range under(function, "Properties", "Environment", "Variables") {
			if name, _ := v.(string); secrets[name] != nil {
				told = append(told, name)
			}
		}
		policies := []any{function}
		if role, _ := get(function, "Properties", "Role").(string); role != "" {
			policies = []any{template[strings.TrimSuffix(role, ".Arn")]}
		}
		for _, s := range statements(policies) {
			if slices.Contains(mentions(s["Action"]), "secretsmanager:GetSecretValue") {
				may = append(may, mentions(s["Resource"])...)
			}
		}
		slices.Sort(told)
		slices.Sort(may)
		if !slices.Equal(told, may) {
			t.Errorf("%s is told of %v and may read %v", id, told, may)
		}
	}
}

func TestEachFunctionHasItsLogsItsAlarmAndAPlaceAmongTheCanaries(t *testing.T) {
	t.Parallel()
	template := read(t)
	canaries, throttles := mentions(template["CanaryAlarm"]), mentions(template["ThrottlesAlarm"])
	for id := range template.ofType("AWS::Serverless::Function") {
		name := strings.TrimSuffix(id, "Function")
		if get(template[name+"Logs"], "Properties", "RetentionInDays") == nil || get(template[id], "Properties", "LoggingConfig", "LogGroup") != name+"Logs" {
			t.Errorf("%s has no log group %sLogs that ends", id, name)
		}
		if !slices.Contains(mentions(template[name+"ErrorsAlarm"]), id) {
			t.Errorf("%s has no %sErrorsAlarm", id, name)
		}
		if !slices.Contains(canaries, id) && !slices.Contains(mentions(template[name+"CanaryAlarm"]), id) {
			t.Errorf("%s is not in CanaryAlarm: its bad version would be let in", id)
		}
		if !slices.Contains(throttles, id) && !slices.Contains(mentions(template[name+"ThrottlesAlarm"]), id) {
			t.Errorf("%s is not in ThrottlesAlarm", id)
		}
	}
	for id, alarm := range template.ofType("AWS::CloudWatch::Alarm") {
		sum, _ := get(alarm, "Properties", "Metrics").([]any)
		if n := len(slices.DeleteFunc(slices.Clone(sum), func(m any) bool { return get(m, "MetricStat") == nil })); n > 10 {
			t.Errorf("%s has %d metrics: CloudWatch refuses more than ten", id, n)
		}
	}
}

func TestEachQueueHasAPlaceForWhatItCanNotDeliverAndAnAlarmOnThat(t *testing.T) {
	t.Parallel()
	template := read(t)
	for id, queue := range template.ofType("AWS::SQS::Queue") {
		if name, last := strings.CutSuffix(id, "DeadLetters"); last {
			if !slices.Contains(mentions(template[name+"DeadLettersAlarm"]), id+".QueueName") {
				t.Errorf("%s has no %sDeadLettersAlarm", id, name)
			}
			continue
		}
		if to, _ := get(queue, "Properties", "RedrivePolicy", "deadLetterTargetArn").(string); !strings.HasSuffix(to, "DeadLetters.Arn") {
			t.Errorf("%s has no dead letters", id)
		}
	}
}

// What the page's code flow (functions/console) asks of Cognito: a public client, led back to the page, on a domain whose pages
// sign in by code, ask anew and speak the reader's language, which is managed login and not the classic pages.
func TestTheUserPoolSignsThePagesPeopleIn(t *testing.T) {
	t.Parallel()
	resources := read(t)
	client := under(resources["PeopleClient"], "Properties")
	for name, want := range map[string]string{
		"AllowedOAuthFlows": "[code]", "AllowedOAuthFlowsUserPoolClient": "true", "AllowedOAuthScopes": "[openid phone profile]", "GenerateSecret": "false",
		"CallbackURLs": "[${WebUrl}/signed-in]", "SupportedIdentityProviders": "[COGNITO]", "ReadAttributes": "[name phone_number phone_number_verified]",
	} {
		if got := fmt.Sprint(client[name]); got != want {
			t.Errorf("PeopleClient: %s is %s, want %s", name, got, want)
		}
	}
	if flows := mentions(client["ExplicitAuthFlows"]); !slices.Contains(flows, "ALLOW_USER_AUTH") {
		t.Errorf("PeopleClient: nobody signs in by code: %v", flows)
	}
	if first := mentions(get(resources["People"], "Properties", "Policies", "SignInPolicy", "AllowedFirstAuthFactors")); !slices.Contains(first, "SMS_OTP") {
		t.Errorf("People: nobody signs in by code: %v", first)
	}
	if got := fmt.Sprint(get(resources["PeopleDomain"], "Properties", "ManagedLoginVersion")); got != "2" {
		t.Errorf("PeopleDomain: ManagedLoginVersion is %s, want 2", got)
	}
	if got := get(resources["PeopleLook"], "Properties", "ClientId"); got != "PeopleClient" {
		t.Errorf("PeopleLook is of %v: managed login shows no page without a look", got)
	}
}

// template is the Resources of template.yaml, intrinsics written down as their argument: !GetAtt Table.Arn is "Table.Arn".
type template map[string]any

func read(t *testing.T) template {
	t.Helper()
	raw, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Resources map[string]any `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Resources
}

func (r template) ofType(name string) map[string]any {
	some := maps.Clone(map[string]any(r))
	maps.DeleteFunc(some, func(_ string, v any) bool { return get(v, "Type") != name })
	return some
}

// statements is every policy statement anywhere below v that allows something; what one denies can't be too much.
func statements(v any) (all []map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if v["Effect"] == "Allow" {
			return []map[string]any{v}
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, statements(v[k])...)
		}
	case []any:
		for _, x := range v {
			all = append(all, statements(x)...)
		}
	}
	return all
}

// mentions is every string in v: of a policy's Action, that one or those.
func mentions(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		for _, x := range v {
			all = append(all, mentions(x)...)
		}
	case []any:
		for _, x := range v {
			all = append(all, mentions(x)...)
		}
	}
	return all
}

// get is the value at a path of keys, nil when there is none.
func get(v any, path ...string) any {
	for _, k := range path {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func under(v any, path ...string) map[string]any {
	m, _ := get(v, path...).(map[string]any)
	return m
}
