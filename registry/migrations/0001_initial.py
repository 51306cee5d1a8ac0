import django.db.models.deletion
import foundation.fields
import foundation.ids
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('prompthub_templates', '0002_references'),
        ('prompthub_tenancy', '0002_access_epoch'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('id', models.CharField(editable=False, max_length=24, primary_key=True, serialize=False)),
                ('public', models.CharField(max_length=44)),
                ('private', foundation.fields.EncryptedText(blank=True, default='')),
                ('created_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('-created_at', 'id'),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Bundle',
            fields=[
                ('id', models.UUIDField(default=foundation.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=63)),
                ('title', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('set', 'Set'), ('pack', 'Pack')], default='set', max_length=4)),
                ('description', models.TextField(blank=True)),
                ('compatibility', models.JSONField(blank=True, default=dict)),
                ('revision', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='bundles', to='prompthub_tenancy.project')),
            ],
            options={
                'ordering': ('slug', 'id'),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='HistoricalBundle',
            fields=[
                ('id', models.UUIDField(db_index=True, default=foundation.ids.new_id, editable=False)),
                ('slug', models.SlugField(max_length=63)),
                ('title', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('set', 'Set'), ('pack', 'Pack')], default='set', max_length=4)),
                ('description', models.TextField(blank=True)),
                ('compatibility', models.JSONField(blank=True, default=dict)),
                ('revision', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='prompthub_tenancy.project')),
            ],
            options={
                'verbose_name': 'historical bundle',
                'verbose_name_plural': 'historical bundles',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Member',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=128)),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='prompthub_registry.bundle')),
                ('template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_templates.template')),
            ],
            options={
                'ordering': ('name',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Release',
            fields=[
                ('id', models.UUIDField(default=foundation.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('version', models.CharField(max_length=200)),
                ('number', models.CharField(max_length=200)),
                ('precedence', models.BinaryField(max_length=400)),
                ('variant', models.CharField(blank=True, max_length=63)),
                ('pre_release', models.BooleanField()),
                ('digest', models.CharField(max_length=71)),
                ('manifest', models.JSONField()),
                ('compatibility', models.JSONField()),
                ('notes', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.CharField(max_length=64)),
                ('created_by_label', models.TextField()),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='releases', to='prompthub_registry.bundle')),
            ],
            options={
                'ordering': ('-precedence',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Pin',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=128)),
                ('template_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_templates.templateversion')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pins', to='prompthub_registry.release')),
            ],
            options={
                'ordering': ('name',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Inclusion',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=128)),
                ('prompt', models.CharField(max_length=128)),
                ('included', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='included_by', to='prompthub_registry.release')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='inclusions', to='prompthub_registry.release')),
            ],
            options={
                'ordering': ('id',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='HistoricalChannel',
            fields=[
                ('split_percent', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('split_segments', models.JSONField(blank=True, default=list)),
                ('id', models.UUIDField(db_index=True, default=foundation.ids.new_id, editable=False)),
                ('name', models.CharField(max_length=127)),
                ('policy', models.CharField(choices=[('live', 'Live'), ('review', 'Review'), ('locked', 'Locked')], default='review', max_length=6)),
                ('last_ordinal', models.PositiveIntegerField(default=0, editable=False)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('bundle', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='prompthub_registry.bundle')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('release', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='prompthub_registry.release')),
                ('split_release', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='prompthub_registry.release')),
            ],
            options={
                'verbose_name': 'historical channel',
                'verbose_name_plural': 'historical channels',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('split_percent', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('split_segments', models.JSONField(blank=True, default=list)),
                ('id', models.UUIDField(default=foundation.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=127)),
                ('policy', models.CharField(choices=[('live', 'Live'), ('review', 'Review'), ('locked', 'Locked')], default='review', max_length=6)),
                ('last_ordinal', models.PositiveIntegerField(default=0, editable=False)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='channels', to='prompthub_registry.bundle')),
                ('release', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_registry.release')),
                ('split_release', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_registry.release')),
            ],
            options={
                'ordering': ('name',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Activation',
            fields=[
                ('split_percent', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('split_segments', models.JSONField(blank=True, default=list)),
                ('id', models.UUIDField(default=foundation.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('ordinal', models.PositiveIntegerField(null=True)),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('scheduled', 'Scheduled'), ('active', 'Active'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn'), ('failed', 'Failed')], max_length=10)),
                ('at', models.DateTimeField()),
                ('by', models.CharField(max_length=64)),
                ('by_label', models.TextField()),
                ('reason', models.TextField(blank=True)),
                ('policy', models.CharField(choices=[('live', 'Live'), ('review', 'Review'), ('locked', 'Locked')], max_length=6)),
                ('makers', models.JSONField(default=list)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('guarded', models.BooleanField(default=False)),
                ('confirmed', models.BooleanField(default=False)),
                ('due_at', models.DateTimeField(null=True)),
                ('active_at', models.DateTimeField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_detail', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=64)),
                ('decided_by_label', models.TextField(blank=True)),
                ('comment', models.TextField(blank=True)),
                ('correlation_id', models.CharField(max_length=64)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='activations', to='prompthub_registry.channel')),
                ('previous', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_registry.release')),
                ('release', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_registry.release')),
                ('split_release', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_registry.release')),
            ],
            options={
                'ordering': ('-at', '-id'),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='ReleaseMark',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('retire', 'Retired'), ('yank', 'Yanked'), ('revert', 'Reverted')], max_length=6)),
                ('reason', models.CharField(choices=[('renamed', 'Renamed'), ('deprecated', 'Deprecated'), ('security', 'Security'), ('invalid', 'Invalid'), ('other', 'Other')], max_length=10)),
                ('message', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('by', models.CharField(max_length=64)),
                ('by_label', models.TextField()),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='marks', to='prompthub_registry.release')),
            ],
            options={
                'ordering': ('-id',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='ReleaseRequirement',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('selector', models.CharField(max_length=200)),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requirements', to='prompthub_registry.release')),
                ('required', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dependants', to='prompthub_registry.bundle')),
                ('resolved', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_registry.release')),
            ],
            options={
                'ordering': ('id',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RepositoryIndex',
            fields=[
                ('id', models.UUIDField(default=foundation.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('counter', models.PositiveBigIntegerField()),
                ('digest', models.CharField(max_length=71)),
                ('document', models.JSONField()),
                ('signatures', models.JSONField()),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='indexes', to='prompthub_tenancy.project')),
            ],
            options={
                'ordering': ('-counter',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Requirement',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('selector', models.CharField(max_length=200)),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='requirements', to='prompthub_registry.bundle')),
                ('required', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='required_by', to='prompthub_registry.bundle')),
            ],
            options={
                'ordering': ('id',),
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SearchWord',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('word', models.BinaryField(max_length=160)),
                ('prompt', models.CharField(blank=True, max_length=128)),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='prompthub_registry.bundle')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='prompthub_tenancy.project')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='ReleaseSignature',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('signature', models.CharField(max_length=88)),
                ('at', models.DateTimeField()),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='prompthub_registry.release')),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='prompthub_registry.signingkey')),
            ],
            options={
                'ordering': ('id',),
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='bundle',
            constraint=models.UniqueConstraint(fields=('project', 'slug'), name='bundle_slug_once_per_project'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(fields=('bundle', 'name'), name='member_name_once_per_bundle'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['bundle', '-precedence'], name='release_precedence'),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['bundle', 'variant', 'pre_release', '-precedence'], name='release_latest'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.UniqueConstraint(fields=('bundle', 'number'), name='release_number_once_per_bundle'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(('digest__startswith', 'sha256:')), name='release_digest'),
        ),
        migrations.AddConstraint(
            model_name='pin',
            constraint=models.UniqueConstraint(fields=('release', 'name'), name='pin_name_once_per_release'),
        ),
        migrations.AddConstraint(
            model_name='inclusion',
            constraint=models.UniqueConstraint(fields=('release', 'name', 'included', 'prompt'), name='inclusion_once'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.UniqueConstraint(fields=('bundle', 'name'), name='channel_name_once_per_bundle'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(('policy__in', ('live', 'review', 'locked'))), name='channel_policy_known'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('split_percent__isnull', True), ('split_release__isnull', True)), models.Q(('release__isnull', False), ('split_percent__isnull', False), ('split_release__isnull', False)), _connector='OR'), name='channel_split_whole'),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(('split_percent__isnull', True), ('split_percent__lte', 100), _connector='OR'), name='channel_percent'),
        ),
        migrations.AddIndex(
            model_name='activation',
            index=models.Index(fields=['state', 'due_at'], name='activation_due'),
        ),
        migrations.AddIndex(
            model_name='activation',
            index=models.Index(fields=['channel', '-at', '-id'], name='activation_history'),
        ),
        migrations.AddConstraint(
            model_name='activation',
            constraint=models.UniqueConstraint(fields=('channel', 'ordinal'), name='activation_ordinal_once'),
        ),
        migrations.AddConstraint(
            model_name='activation',
            constraint=models.CheckConstraint(condition=models.Q(('ordinal__isnull', False), models.Q(('state', 'active'), _negated=True), _connector='XOR'), name='activation_ordinal_when_active'),
        ),
        migrations.AddConstraint(
            model_name='activation',
            constraint=models.CheckConstraint(condition=models.Q(('active_at__isnull', False), models.Q(('state', 'active'), _negated=True), _connector='XOR'), name='activation_time_when_active'),
        ),
        migrations.AddConstraint(
            model_name='activation',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('proposed', 'scheduled', 'active', 'rejected', 'withdrawn', 'failed'))), name='activation_state_known'),
        ),
        migrations.AddConstraint(
            model_name='activation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('split_percent__isnull', True), ('split_release__isnull', True)), models.Q(('release__isnull', False), ('split_percent__isnull', False), ('split_release__isnull', False)), _connector='OR'), name='activation_split_whole'),
        ),
        migrations.AddConstraint(
            model_name='activation',
            constraint=models.CheckConstraint(condition=models.Q(('split_percent__isnull', True), ('split_percent__lte', 100), _connector='OR'), name='activation_percent'),
        ),
        migrations.AddConstraint(
            model_name='releasemark',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'retire'), _negated=True), fields=('release', 'kind'), name='release_mark_once_for_ever'),
        ),
        migrations.AddConstraint(
            model_name='releaserequirement',
            constraint=models.UniqueConstraint(fields=('release', 'required'), name='release_requirement_once'),
        ),
        migrations.AddConstraint(
            model_name='repositoryindex',
            constraint=models.UniqueConstraint(fields=('project', 'counter'), name='repository_index_counter_once'),
        ),
        migrations.AddConstraint(
            model_name='repositoryindex',
            constraint=models.CheckConstraint(condition=models.Q(('digest__startswith', 'sha256:')), name='repository_index_digest'),
        ),
        migrations.AddConstraint(
            model_name='requirement',
            constraint=models.UniqueConstraint(fields=('bundle', 'required'), name='requirement_once_per_bundle'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=models.Index(fields=['word', 'id'], name='search_word'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=models.Index(fields=['project', 'word', 'id'], name='search_word_of_project'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=models.Index(condition=models.Q(('prompt', '')), fields=['word', 'id'], name='search_word_of_bundle'),
        ),
        migrations.AddIndex(
            model_name='searchword',
            index=models.Index(condition=models.Q(('prompt', '')), fields=['project', 'word', 'id'], name='search_word_of_own_bundle'),
        ),
        migrations.AddConstraint(
            model_name='searchword',
            constraint=models.UniqueConstraint(fields=('bundle', 'prompt', 'word'), name='search_word_once'),
        ),
        migrations.AddConstraint(
            model_name='releasesignature',
            constraint=models.UniqueConstraint(fields=('release', 'key'), name='release_signature_once_per_key'),
        ),
    ]
