"""Mail from some domains is not accepted; `blocked` in the parameter file lists them, sub-domains included."""


def guard(mail, ctx):
    domain = mail.from_address.rpartition("@")[2].lower()
    for blocked in ctx.params.get("blocked", []):
        if domain == blocked or domain.endswith("." + blocked):
            return ctx.reject(f"mail from {domain} is not accepted")
