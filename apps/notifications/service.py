"""The use cases of notifications: telling a person about an order, in the app and by mail, and listing what was told."""

from apps.notifications import domain
from apps.notifications.domain import Kind, MailStatus, Message
from apps.notifications.ports import Clock, Facts, Mail, MessageStore, Templates, Users


class NotificationService:
    """One event makes one message, and one mail unless nobody knows whether it was sent: then it is sent again after the lease.

    That is so when a process dies between sending and noting it, and when a mail server answers too late. It cannot be asked whether it
    has a mail, and the binding sets no Message-ID that would tell, so a lost mail or a double one is the choice: the double one harms less.
    """

    def __init__(self, *, store: MessageStore, templates: Templates, users: Users, mail: Mail, clock: Clock) -> None:
        self._store, self._templates, self._users, self._mail, self._clock = store, templates, users, mail, clock

    async def notify(self, *, event_id: str, user_id: str, kind: Kind, facts: Facts) -> None:
        """Tell `user_id` once for each `event_id`. Raises MailInProgress, MailRefused, MailUnanswered: to be called again later."""
        now = self._clock.now()
        text = self._templates.render(kind, facts, name="")
        message = Message(
            id=domain.message_id(event_id),
            user_id=user_id,
            order_id=facts.order_id,
            kind=kind,
            title=text.title,
            body=text.body,
            created_at=now,
            mail=MailStatus.SENDING,
            mail_claimed_at=now,
        )
        claimed = await self._store.claim(message, now)
        if claimed is None:
            return
        try:
            status = await self._send_mail(user_id, kind, facts)
        except domain.MailUnanswered:
            raise
        except Exception:
            await self._store.note_mail(claimed, MailStatus.FAILED)
            raise
        await self._store.note_mail(claimed, status)

    async def list_page(self, user_id: str, *, before: int | None, limit: int) -> tuple[list[Message], int | None]:
        """The user's messages, newest first, and where to go on."""
        return await self._store.list_page(user_id, before=before, limit=limit)

    async def find_by_event(self, event_ids: list[str]) -> dict[str, Message | None]:
        """By event id, the message that the event became; None when it has not become one."""
        ids = {event_id: domain.message_id(event_id) for event_id in event_ids}
        found = {message.id: message for message in await self._store.find_many(list(ids.values()))}
        return {event_id: found.get(message_id) for event_id, message_id in ids.items()}

    async def _send_mail(self, user_id: str, kind: Kind, facts: Facts) -> MailStatus:
        contact = await self._users.find_contact(user_id)
        if contact is None:
            return MailStatus.UNDELIVERABLE
        text = self._templates.render(kind, facts, name=contact.name)
        await self._mail.send(contact.email, text.title, text.html)
        return MailStatus.SENT
