-- How Argo CD sees a TuningProfile.
local hs = { status = "Progressing", message = "Waiting for the operator" }

if obj.metadata ~= nil and obj.metadata.deletionTimestamp ~= nil then
  hs.message = "Being deleted"
  return hs
end
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  hs.message = "Waiting for the operator to see the change"
  return hs
end
local health = { Stalled = "Degraded", Reconciling = "Progressing", Ready = "Healthy" }
for _, type in ipairs({ "Stalled", "Reconciling", "Ready" }) do
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == type and condition.status == "True" then
      hs.status = health[type]
      hs.message = condition.message or condition.reason or ""
      return hs
    end
  end
end
hs.message = "Not ready"
return hs
