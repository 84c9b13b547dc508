-- How Argo CD sees a MemoryCluster. A canary that holds well for two days is Healthy: stable serves all the while.
-- Everything is guarded against nil: a resource that the operator has not seen has no status, and no condition is sure to be there.
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

local holds = {}
for _, condition in ipairs(obj.status.conditions) do
  if condition.status == "True" then
    holds[condition.type] = condition
  end
end

local function say(status, condition)
  hs.status = status
  hs.message = condition.message or condition.reason or ""
  return hs
end

if holds.Stalled ~= nil then
  return say("Degraded", holds.Stalled)
end
if holds.Reconciling ~= nil then
  return say("Progressing", holds.Reconciling)
end
-- Waits for a person, and serves.
if holds.Paused ~= nil then
  return say("Suspended", holds.Paused)
end
if holds.Ready == nil then
  hs.message = obj.status.message or "Not ready"
  return hs
end
hs.status = "Healthy"
hs.message = obj.status.message or holds.Ready.message or ""
for _, warning in ipairs({ "MetricsStale", "CanaryStarved" }) do
  if holds[warning] ~= nil then
    hs.message = hs.message .. "; warning, " .. warning .. ": " .. (holds[warning].message or "")
  end
end
return hs
